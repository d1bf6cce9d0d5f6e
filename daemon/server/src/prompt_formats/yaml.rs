//! YAML as a tree in which everything knows its place. An alias stands for nothing, so that a small file cannot unfold into a
//! large one; the text is bounded by the caller.

use saphyr_parser::{Event, Marker, Parser, Span};
use std::ops::Range;

/// A value and its bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) value: Yaml,
    pub(super) source: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yaml {
    Scalar(String),
    List(Vec<Node>),
    /// Keys that are no scalars are left out.
    Map(Vec<(Node, Node)>),
    /// An alias, or no document at all.
    Nothing,
}

impl Node {
    /// A scalar's text.
    pub(super) fn text(&self) -> Option<&str> {
        if let Yaml::Scalar(text) = &self.value { Some(text) } else { None }
    }

    /// Keys and values of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(Node, Node)] {
        if let Yaml::Map(entries) = &self.value { entries } else { &[] }
    }

    /// Items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Node] {
        if let Yaml::List(items) = &self.value { items } else { &[] }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }
}

/// What is wrong, and the byte where.
pub(super) type Wrong = (String, usize);

/// A list or map that is not closed yet: its start, whether it is a map, its items.
struct Open {
    start: usize,
    is_map: bool,
    items: Vec<Node>,
}

/// The first document in a text.
///
/// # Errors
/// It is not YAML.
pub(super) fn parse(text: &str) -> Result<Node, Wrong> {
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let byte = |marker: Marker| bytes.get(marker.index()).copied().unwrap_or(text.len());
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut last = 0;
    while let Some(event) = parser.next_event() {
        let (event, Span { start, end }) =
            event.map_err(|e| (e.info().to_owned(), byte(*e.marker())))?;
        let source = byte(start)..byte(end).max(byte(start));
        let value = match event {
            Event::Scalar(value, ..) => Yaml::Scalar(value.into_owned()),
            Event::Alias(_) => Yaml::Nothing,
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let is_map = matches!(event, Event::MappingStart(..));
                open.push(Open { start: source.start, is_map, items: Vec::new() });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { start, is_map, items }) = open.pop() else { continue };
                let value = if is_map { map_of(items) } else { Yaml::List(items) };
                // A block ends where what follows it starts; its last item says where it ends itself.
                let node = Node { value, source: start..last.max(start) };
                match open.last_mut() {
                    Some(outer) => outer.items.push(node),
                    None => return Ok(node),
                }
                continue;
            }
            Event::DocumentEnd | Event::StreamEnd => break,
            _ => continue,
        };
        last = source.end;
        let node = Node { value, source };
        match open.last_mut() {
            Some(outer) => outer.items.push(node),
            None => return Ok(node),
        }
    }
    Ok(Node { value: Yaml::Nothing, source: 0..0 })
}

fn map_of(items: Vec<Node>) -> Yaml {
    let mut entries = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        if key.text().is_some() {
            entries.push((key, value));
        }
    }
    Yaml::Map(entries)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn values_know_their_places() {
        let text = "é: 1\nb:\n  - \" x\"\n  - {c: yes}\n";
        let node = parse(text).unwrap();
        let of = |node: &super::Node| text[node.source.clone()].to_owned();
        assert_eq!(of(node.get("é").unwrap()), "1");
        let list = node.get("b").unwrap().items();
        assert_eq!((list[0].text(), of(&list[0]).as_str()), (Some(" x"), "\" x\""));
        assert_eq!(of(&list[1].entries()[0].0), "c");
        assert_eq!(list[1].get("c").and_then(super::Node::text), Some("yes"));
    }

    #[test]
    fn what_is_no_yaml_is_said_with_its_place() {
        let (_, at) = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(at >= 5, "{at}");
        assert!(parse("").unwrap().entries().is_empty());
        assert!(parse("a: &x [1]\nb: *x\n").unwrap().get("b").unwrap().items().is_empty());
        let deep = "[".repeat(20_000);
        assert!(parse(&deep).is_err());
    }
}
