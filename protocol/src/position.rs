//! Places in a document, in the units of the negotiated position encoding. Our own types, so that no LSP framework's version leaks.
//! What must not live here: conversion to bytes; only the server does that.

wire! {
    /// A place in a document: between two characters.
    #[derive(Copy, Eq, Hash)]
    pub struct Position {
        /// Line, counted from 0.
        pub line: u32,
        /// Code units before the place on its line; the unit (UTF-8, UTF-16 or UTF-32) is negotiated at `initialize`.
        pub character: u32,
    }

    /// A span of a document; `end` is exclusive.
    #[derive(Copy, Eq, Hash)]
    pub struct Range {
        /// Where it starts.
        pub start: Position,
        /// Where it ends.
        pub end: Position,
    }

    /// A span of bytes of the prompt's UTF-8 text; `end` is exclusive.
    #[derive(Copy, Eq, Hash)]
    pub struct ByteSpan {
        /// First byte.
        pub start: usize,
        /// One past the last byte.
        pub end: usize,
    }
}
