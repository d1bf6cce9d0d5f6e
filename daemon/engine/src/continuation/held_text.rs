//! The text of a continuation as it may be shown: characters whole, and nothing that may still turn out to be the start of a
//! stop string.

/// Text that grows by the bytes of tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldText {
    stop: Vec<Vec<u8>>,
    bytes: Vec<u8>,
    n_shown: usize,
    /// Where the first stop string begins.
    cut: Option<usize>,
}

impl HeldText {
    /// No text yet, and strings that end it.
    pub(super) fn new(stop: &[String]) -> Self {
        let stop = stop.iter().map(|stop| stop.clone().into_bytes()).collect();
        Self { stop, ..Self::default() }
    }

    /// Bytes there are, shown or not.
    pub(super) fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a token with these bytes may be shown: its first byte is, or stands before nothing that is held.
    pub(super) fn shows(&self, start: usize, n_bytes: usize) -> bool {
        start < self.n_shown || (n_bytes == 0 && start <= self.n_shown && !self.is_stopped())
    }

    /// Whether a stop string was met.
    pub(super) fn is_stopped(&self) -> bool {
        self.cut.is_some()
    }

    /// Adds bytes and gives out what may be shown by now. After a stop string nothing is.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.bytes.extend_from_slice(bytes);
        let held = &self.bytes[self.n_shown..];
        let first = self.stop.iter().filter_map(|stop| find(held, stop)).min();
        if let Some(first) = first {
            self.cut = Some(self.n_shown + first);
            return self.rest();
        }
        let may_start = self.stop.iter().map(|stop| n_shared(held, stop)).max().unwrap_or(0);
        let (text, n_bytes) = whole_characters(&held[..held.len() - may_start], false);
        self.n_shown += n_bytes;
        text
    }

    /// What is still held, up to the stop string: nothing more is to come. Parts of characters become U+FFFD.
    pub(super) fn rest(&mut self) -> String {
        let end = self.cut.unwrap_or(self.bytes.len());
        let (text, n_bytes) = whole_characters(&self.bytes[self.n_shown..end], true);
        self.n_shown += n_bytes;
        text
    }
}

fn find(text: &[u8], of: &[u8]) -> Option<usize> {
    text.windows(of.len().max(1)).position(|window| window == of)
}

/// Bytes at the end of `text` with which `stop` begins.
fn n_shared(text: &[u8], stop: &[u8]) -> usize {
    let longest = text.len().min(stop.len().saturating_sub(1));
    (1..=longest).rev().find(|&n| text.ends_with(&stop[..n])).unwrap_or(0)
}

/// The characters of some bytes and how many bytes these are: without the part of one at the end, unless it is the end of all.
fn whole_characters(bytes: &[u8], is_end: bool) -> (String, usize) {
    let (mut text, mut at) = (String::new(), 0);
    loop {
        match std::str::from_utf8(&bytes[at..]) {
            Ok(valid) => {
                text.push_str(valid);
                return (text, bytes.len());
            }
            Err(e) => {
                let valid = at + e.valid_up_to();
                text.push_str(&String::from_utf8_lossy(&bytes[at..valid]));
                at = match e.error_len() {
                    Some(n) => valid + n,
                    None if is_end => bytes.len(),
                    None => return (text, valid),
                };
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop, proptest};

    fn shown(stop: &[&str], pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let stop: Vec<String> = stop.iter().map(|&stop| stop.to_owned()).collect();
        let mut held = HeldText::new(&stop);
        let mut out = Vec::new();
        for piece in pieces {
            out.push(held.push(piece));
            if held.is_stopped() {
                return (out, true);
            }
        }
        out.push(held.rest());
        (out, false)
    }

    fn check(stop: &[&str], pieces: &[&[u8]], want: &[&str], is_stopped: bool) {
        let (got, stopped) = shown(stop, pieces);
        assert_eq!((got, stopped), (want.iter().map(|&s| s.to_owned()).collect(), is_stopped));
    }

    #[test]
    fn characters_are_shown_whole() {
        check(&[], &["é".as_bytes(), b"\xe2\x82", b"\xac!"], &["é", "", "€!", ""], false);
        check(&[], &[b"a\xff\xf0\x9f", b"b"], &["a\u{fffd}", "\u{fffd}b", ""], false);
        check(&[], &[b"\xf0\x9f"], &["", "\u{fffd}"], false);
    }

    #[test]
    fn the_text_ends_before_the_first_stop_string_across_tokens() {
        check(&["\n\n"], &[b"a\n", b"b\n", b"\nc"], &["a", "\nb", ""], true);
        check(&["stop"], &[b"x st", b"o st", b"op"], &["x ", "sto ", ""], true);
        check(&["bc", "abcd"], &[b"xab", b"c"], &["x", "a"], true);
        check(&["€"], &[b"1\xe2", b"\x82", b"\xac2"], &["1", "", ""], true);
        check(&["yes"], &[b"ye"], &["", "ye"], false);
        check(&["a"], &[b"a"], &[""], true);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_show_the_same_text(
            text in "[abé\n]{0,40}", stop in "[abé\n]{1,3}", sizes in prop::collection::vec(1..6usize, 60),
        ) {
            let bytes = text.as_bytes();
            let mut at = 0;
            let pieces: Vec<&[u8]> = sizes.iter().map(|size| {
                let piece = &bytes[at..bytes.len().min(at + size)];
                at += piece.len();
                piece
            }).collect();
            let (got, is_stopped) = shown(&[&stop], &pieces);
            let want = text.split_once(&stop).map_or(text.as_str(), |(before, _)| before);
            assert_eq!(got.concat(), want);
            assert_eq!(is_stopped, text.contains(&stop));
        }
    }
}
