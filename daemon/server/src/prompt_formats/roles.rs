//! Role headings of a chat written as text. A text is a chat only if it starts with a heading, and only headings of the way that
//! one is written count: `User:` in the middle of prose, or at the end of a few-shot prompt, stays text.

use crate::prompt_formats::lines::lines;
use std::ops::Range;

/// A role heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) role: String,
    /// Where it starts.
    pub(super) start: usize,
    /// Where the message's content starts.
    pub(super) content: usize,
}

const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool", "function"];

/// How a heading is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    /// `# user`, of any level.
    has_hashes: bool,
    case: Case,
    /// Whether content stands on the heading's own line.
    has_text: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Lower,
    Title,
    Upper,
}

/// The headings of a text, none where it is no chat. `cuts`, in order, are no part of it. In a text that is a chat for sure
/// (`is_chat`), content may stand on a heading's own line: `user: hi`.
pub(super) fn headings(text: &str, cuts: &[Range<usize>], is_chat: bool) -> Vec<Heading> {
    let tags = role_tags(text);
    if !tags.is_empty() {
        return tags;
    }
    let mut found = Vec::new();
    let mut way: Option<Way> = None;
    let mut cuts = cuts.iter().peekable();
    for line in lines(text, 0) {
        while cuts.next_if(|cut| cut.end <= line.start).is_some() {}
        if cuts.peek().is_some_and(|cut| cut.start <= line.start) {
            continue;
        }
        let heading = heading(line.text);
        match (&heading, way) {
            (Some((_, own, _)), None) if is_chat || !own.has_text => way = Some(*own),
            (_, None) if line.is_blank() => continue,
            (_, None) => return Vec::new(),
            _ => {}
        }
        let Some((role, own, at)) = heading else { continue };
        // In a chat for sure, either form of the same spelling counts.
        let is_alike = way.is_some_and(|way| {
            (way.has_hashes, way.case) == (own.has_hashes, own.case) && (is_chat || !own.has_text)
        });
        if is_alike {
            let content = if own.has_text { line.start + at } else { line.next };
            found.push(Heading { role, start: line.start, content });
        }
    }
    found
}

/// Role, way and where text begins, of a line that is a heading.
fn heading(line: &str) -> Option<(String, Way, usize)> {
    let own = line.trim_start_matches('#');
    let has_hashes = own.len() < line.len();
    if has_hashes && !own.starts_with([' ', '\t']) {
        return None;
    }
    let own = own.trim_start();
    let n = own.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(own.len());
    let (word, rest) = own.split_at(n);
    let role = word.to_ascii_lowercase();
    if !ROLES.contains(&role.as_str()) {
        return None;
    }
    let case = match word {
        _ if word == role => Case::Lower,
        _ if word[1..] == role[1..] => Case::Title,
        _ if word == role.to_ascii_uppercase() => Case::Upper,
        _ => return None,
    };
    let text = match rest.strip_prefix(':') {
        Some(text) => text.trim_start(),
        None if has_hashes && rest.trim().is_empty() => "",
        None => return None,
    };
    let has_text = !text.is_empty();
    // Spaces before a heading make it somebody's indented text.
    let is_at_start = has_hashes || line.starts_with(word);
    let fits = is_at_start && !(has_hashes && has_text);
    fits.then(|| (role, Way { has_hashes, case, has_text }, line.len() - text.len()))
}

/// Dotprompt's `{{role "system"}}`; text before the first one is the user's.
fn role_tags(text: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{") {
        let start = at + open;
        at = start + 2;
        if let Some((role, n)) = role_tag(&text[at..]) {
            at += n;
            if found.is_empty() && !text[..start].trim().is_empty() {
                found.push(Heading { role: "user".to_owned(), start: 0, content: 0 });
            }
            let spaces = text[at..].len() - text[at..].trim_start_matches([' ', '\t']).len();
            found.push(Heading { role, start, content: at + spaces });
        }
    }
    found
}

/// The role of a tag's inside, and the bytes up to its end.
fn role_tag(inside: &str) -> Option<(String, usize)> {
    let own = inside.trim_start_matches(['~', ' ']).strip_prefix("role")?;
    let quoted = own.trim_start_matches(' ');
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (role, after) = quoted[1..].split_at_checked(quoted[1..].find([quote, '\n'])?)?;
    let after = after.strip_prefix(quote)?.trim_start_matches([' ', '~']).strip_prefix("}}")?;
    let role = if role == "model" { "assistant" } else { role };
    Some((role.to_owned(), inside.len() - after.len()))
}

#[cfg(test)]
mod tests {
    use super::headings;

    fn check(text: &str, is_chat: bool, expected: &[(&str, &str)]) {
        let found = headings(text, &[], is_chat);
        let ends = found.iter().skip(1).map(|next| next.start).chain([text.len()]);
        let found: Vec<(&str, &str)> = found
            .iter()
            .zip(ends)
            .map(|(heading, end)| (heading.role.as_str(), &text[heading.content..end]))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_chat_starts_with_a_heading_on_a_line_of_its_own() {
        check("\nsystem:\nbe\n\nuser: \nhi\n", false, &[("system", "be\n\n"), ("user", "hi\n")]);
        check("# System\nbe\n## user:\nhi", false, &[("system", "be\n## user:\nhi")]);
        check("# system\nbe\n## user:\nhi", false, &[("system", "be\n"), ("user", "hi")]);
        check("USER:\nhi\r\nASSISTANT:\r\n", false, &[("user", "hi\r\n"), ("assistant", "")]);
    }

    #[test]
    fn prose_is_no_chat() {
        for text in [
            "User: hi\nAssistant:",
            "Tell me.\nuser:\nhi",
            "  user:\nhi",
            "username:\nx",
            "#user\nhi",
            "# user stories\nhi",
            "uSer:\nhi",
            "",
        ] {
            check(text, false, &[]);
        }
    }

    #[test]
    fn other_ways_of_writing_stay_text() {
        check(
            "user:\nUser:\n# user\nuser: x\n user:\n",
            false,
            &[("user", "User:\n# user\nuser: x\n user:\n")],
        );
        check("# user\nsystem:\n", false, &[("user", "system:\n")]);
    }

    #[test]
    fn content_may_stand_beside_the_role_in_a_chat_for_sure() {
        check(
            "user: hi\n\nassistant: yo\nuser:\nbye",
            true,
            &[("user", "hi\n\n"), ("assistant", "yo\n"), ("user", "bye")],
        );
        check("User: hi\nAssistant:", true, &[("user", "hi\n"), ("assistant", "")]);
        check("hello", true, &[]);
    }

    #[test]
    fn dotprompt_tags_are_headings_anywhere() {
        check(
            "{{role \"system\"}}\nbe\n{{ role 'model' }} yo{{~role \"user\"~}}hi",
            false,
            &[("system", "\nbe\n"), ("assistant", "yo"), ("user", "hi")],
        );
        check("hi {{role \"system\"}}be", false, &[("user", "hi "), ("system", "be")]);
        check("{{role}} {{role \"x}} {{roles \"x\"}}", false, &[]);
    }
}
