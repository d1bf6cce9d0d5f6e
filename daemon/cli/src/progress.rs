//! Progress bars on standard error: for downloads, loads and long analyses, and none when it is not a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// One bar; silent without a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar that counts steps.
    pub(crate) fn steps(what: &str, n: u64) -> Self {
        Self::new(what, Some(n), "{msg} {wide_bar} {pos}/{len}")
    }

    /// A bar that counts bytes; without a total, a spinner.
    pub(crate) fn bytes(what: &str, total: Option<u64>) -> Self {
        Self::new(what, total, "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {eta}")
    }

    /// A bar that nobody sees.
    pub(crate) fn silent() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    fn new(what: &str, total: Option<u64>, template: &str) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        bar.set_draw_target(target);
        if total.is_some()
            && let Ok(style) = ProgressStyle::with_template(template)
        {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self { bar }
    }

    /// Where it stands.
    pub(crate) fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// What it counts to, once that is known.
    pub(crate) fn set_total(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// What it says.
    pub(crate) fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Takes it off the screen.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
