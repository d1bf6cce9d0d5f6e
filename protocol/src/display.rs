//! How tokens and numbers are written, the same in every client (`ux.md` section 2). Clients print what these functions return.
//! What must not live here: colours, Markdown, layout.

/// Widest display of a token, in terminal columns.
pub const TOKEN_COLUMNS: usize = 24;

/// A token's text for people: escaped, and cut in the middle to [`TOKEN_COLUMNS`].
///
/// Leading and trailing spaces and every space of a token of whitespace are `·`, newline `↵`, tab `→`, other controls and invisible
/// characters `⟨0x1B⟩`, nothing at all `∅`.
pub fn token(text: &str) -> String {
    cut(&escape(text), TOKEN_COLUMNS)
}

/// A token's display from its raw bytes: parts that are not UTF-8 become `⟨0xE2⟩`.
pub fn token_of_bytes(bytes: &[u8]) -> String {
    token(&text_of_bytes(bytes))
}

/// The text of a token from its raw bytes, unescaped but for bytes that are not UTF-8: each is spelled `⟨0xE2⟩`.
pub fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("⟨0x{byte:02X}⟩"));
        }
    }
    text
}

/// The escapes of [`token`] without the cut.
pub fn escape(text: &str) -> String {
    if text.is_empty() {
        return "∅".into();
    }
    let leading = text.len() - text.trim_start_matches(' ').len();
    let trailing = text.trim_end_matches(' ').len();
    let only_whitespace = text.chars().all(char::is_whitespace);
    let mut out = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        match c {
            ' ' if only_whitespace || at < leading || at >= trailing => out.push('·'),
            '\n' => out.push('↵'),
            '\t' => out.push('→'),
            c if c.is_control() || is_invisible(c) => {
                out.push_str(&format!("⟨0x{:02X}⟩", c as u32))
            }
            c => out.push(c),
        }
    }
    out
}

/// Cuts a text in the middle so that it takes at most `columns`.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    let room = columns.saturating_sub(1);
    let (head_room, tail_room) = (room.div_ceil(2), room / 2);
    let mut head = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += char_width(c);
        if used > head_room {
            break;
        }
        head.push(c);
    }
    let mut tail = Vec::new();
    used = 0;
    for c in text.chars().rev() {
        used += char_width(c);
        if used > tail_room {
            break;
        }
        tail.push(c);
    }
    head.push('…');
    head.extend(tail.iter().rev());
    head
}

/// Terminal columns of a text: wide East Asian characters and emoji take two, combining marks none.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// A probability, 0..1: `97 %`, `3.2 %`, `6 %`, `0.04 %`, `<0.01 %`. What is not quite certain is `>99 %`, never `100 %`.
pub fn probability(p: f32) -> String {
    if (0.995..1.0).contains(&p) { ">99 %".into() } else { percent(p) }
}

/// A flow or contribution, 0..1, with at most two significant digits: `82 %`, `4.1 %`, `0.12 %`.
pub fn flow(share: f32) -> String {
    percent(share)
}

/// Two significant digits at most, no zeros after them, nothing finer than a hundredth of a percent.
fn percent(share: f32) -> String {
    let percent = f64::from(share) * 100.0;
    let digits = match percent {
        _ if !percent.is_finite() => return "? %".into(),
        _ if percent <= 0.0 => return "0 %".into(),
        _ if percent < 0.0095 => return "<0.01 %".into(),
        _ if percent >= 9.95 => return format!("{percent:.0} %"),
        _ if percent >= 0.995 => format!("{percent:.1}"),
        _ => format!("{percent:.2}"),
    };
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// An attribution or effect: `+1.24`, `-0.30`, `0.00`; the unit stands in the header.
pub fn signed(value: f32) -> String {
    let text = format!("{value:+.2}");
    if text == "+0.00" || text == "-0.00" { "0.00".into() } else { text }
}

/// A log-probability in nats, or a logit: `-0.26`.
pub fn nats(value: f32) -> String {
    format!("{value:.2}")
}

/// A rank: `#1`.
pub fn rank(rank: usize) -> String {
    format!("#{}", thousands(rank))
}

/// A count with thousands separated: `9,214`.
pub fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A duration in milliseconds: `38 ms`, `1.2 s`.
pub fn duration(ms: f32) -> String {
    if ms >= 999.5 {
        format!("{:.1} s", ms / 1000.0)
    } else if ms >= 9.95 || ms == 0.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.1} ms")
    }
}

/// Bytes for people: `94.0 MiB`.
pub fn bytes(count: u64) -> String {
    const STEPS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match STEPS.iter().find(|(_, step)| count >= *step) {
        Some((unit, step)) => format!("{:.1} {unit}", count as f64 / *step as f64),
        None => format!("{count} B"),
    }
}

/// A head's short name: `L9H6`.
pub fn head_name(layer: usize, head: usize) -> String {
    format!("L{layer}H{head}")
}

/// A neuron's short name: `L14 N873`.
pub fn neuron_name(layer: usize, neuron: usize) -> String {
    format!("L{layer} N{neuron}")
}

/// Formatting characters that draw nothing or reorder the line; shown, because they can hide text from a reader.
fn is_invisible(c: char) -> bool {
    matches!(c as u32, 0xAD | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE007F)
}

fn char_width(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036F
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x20D0..=0x20FF
        | 0xFE00..=0xFE0F
        | 0xFE20..=0xFE2F => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F680..=0x1F6FF
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
