//! Our numbers against golden ones, hook by hook, through both ways of the engine, and against independent code.

#![expect(clippy::unwrap_used, reason = "a test program: what cannot be read fails the test")]

mod candle_gemma;
mod candle_models;
mod chat_templates;
mod continuations;
mod faithfulness;
mod half_precision;
mod prefix;
mod real_attributions;
mod real_effects;
mod real_models;
mod tiny_models;
mod tokenizers;
mod tolerances;
