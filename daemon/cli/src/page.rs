//! Lines of text for a terminal: width, colours, and cells that line up whatever script a token is in.

use anyhow::{Context, Result};
use limpid_protocol::display;
use std::io::{IsTerminal, Write};

/// Columns where the output is no terminal.
const PLAIN_WIDTH: usize = 80;

/// Where text goes.
pub(crate) struct Page {
    out: Box<dyn Write>,
    width: usize,
    failed: Option<std::io::Error>,
}

impl Page {
    /// Standard output: colours only on a terminal and without `NO_COLOR`, its width when it is wider than 80.
    pub(crate) fn stdout() -> Self {
        let width = if std::io::stdout().is_terminal() {
            usize::from(console::Term::stdout().size().1).max(PLAIN_WIDTH)
        } else {
            PLAIN_WIDTH
        };
        Self { out: Box::new(anstream::stdout().lock()), width, failed: None }
    }

    /// Any writer, 80 columns; colours are its own business.
    #[cfg(test)]
    fn plain(out: impl Write + 'static) -> Self {
        Self { out: Box::new(out), width: PLAIN_WIDTH, failed: None }
    }

    /// Columns there are.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// One line. After a line that could not be written nothing is tried any more; `finish` says why.
    pub(crate) fn line(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = writeln!(self.out, "{text}").err();
        }
    }

    /// What became of the lines.
    ///
    /// # Errors
    /// A line could not be written, unless it is that the reader went away (`| head`).
    pub(crate) fn finish(mut self) -> Result<()> {
        written(self.failed.take().map_or_else(|| self.out.flush(), Err))
    }

    /// A section's title and the units of its numbers.
    pub(crate) fn heading(&mut self, title: &str, units: &str) {
        self.line("");
        self.line(&format!("\u{1b}[1m{title}\u{1b}[0m  \u{1b}[2m{units}\u{1b}[0m"));
    }

    /// Text in a cell of `columns`.
    pub(crate) fn cell(&self, text: &str, columns: usize) -> String {
        let text = display::cut(text, columns);
        let fill = columns.saturating_sub(display::width(&text));
        format!("{text}{}", " ".repeat(fill))
    }

    /// Signed strength -1..1: blue supports, orange opposes, with a glyph so that colour is never alone.
    pub(crate) fn heat(&self, strength: f32) -> String {
        let colour = if strength >= 0.0 { "38;5;33" } else { "38;5;208" };
        format!("\u{1b}[{colour}m{}\u{1b}[0m", bar(strength.abs(), 8))
    }

    /// The first token's mark: everything reads it, so it never sets the scale.
    pub(crate) fn sink(&self) -> String {
        "\u{1b}[2m▒ sink\u{1b}[0m".to_owned()
    }
}

/// A bar of `share` of `columns`, in eighths.
pub(crate) fn bar(share: f32, columns: usize) -> String {
    const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * (columns * 8) as f32).round() as usize;
    let mut out = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        out.push(EIGHTHS[eighths % 8 - 1]);
    }
    out
}

/// Writes an answer; a reader that went away is no error.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn print(text: &str) -> Result<()> {
    written(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// What became of writing to standard output: a reader that went away is no error.
///
/// # Errors
/// Standard output cannot be written.
fn written(result: std::io::Result<()>) -> Result<()> {
    match result {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output cannot be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(0.5 + 1.0 / 32.0, 4), "██▏");
        assert_eq!(bar(f32::NAN, 4), "");
    }

    #[test]
    fn cells_line_up_for_wide_text() {
        let page = Page::plain(std::io::sink());
        assert_eq!(display::width(&page.cell("日本", 8)), 8);
        assert_eq!(display::width(&page.cell("a very long token indeed, it is", 8)), 8);
    }
}
