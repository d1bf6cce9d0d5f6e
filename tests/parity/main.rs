//! Our numbers against golden ones, hook by hook, through both ways of the engine, and against independent code.

mod candle_models;
mod prefix;
mod real_models;
mod tiny_models;
mod tokenizers;
mod tolerances;
