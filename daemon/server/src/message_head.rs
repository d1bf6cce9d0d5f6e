//! The few parts of a JSON-RPC message that a forwarder needs, read without building the rest: answers can be megabytes.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Who a message is for and what it is.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct MessageHead {
    pub(crate) id: Option<Value>,
    pub(crate) method: Option<String>,
    /// `result.analysis`, if it is a text.
    pub(crate) analysis: Option<String>,
    pub(crate) is_error: bool,
    /// The result is there, and something.
    pub(crate) has_result: bool,
}

impl MessageHead {
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

impl<'de> Deserialize<'de> for MessageHead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = MessageHead;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON-RPC message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MessageHead, A::Error> {
                let mut head = MessageHead::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "id" => head.id = Some(map.next_value()?),
                        "method" => head.method = Some(map.next_value()?),
                        "result" => {
                            let result = map.next_value::<Analysis>()?;
                            (head.analysis, head.has_result) = (result.id, !result.is_null);
                        }
                        "error" => {
                            head.is_error = true;
                            map.next_value::<IgnoredAny>()?;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(head)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// The field `analysis` of an object; of anything else, nothing.
#[derive(Default)]
struct Analysis {
    id: Option<String>,
    is_null: bool,
}

macro_rules! nothing_of {
    ($($visit:ident: $of:ty),*) => {$(
        fn $visit<E>(self, _: $of) -> Result<Analysis, E> {
            Ok(Analysis::default())
        }
    )*};
}

impl<'de> Deserialize<'de> for Analysis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Analysis;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a result")
            }

            nothing_of!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

            fn visit_unit<E>(self) -> Result<Analysis, E> {
                Ok(Analysis { id: None, is_null: true })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Analysis, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Analysis::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Analysis, A::Error> {
                let mut id = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "analysis" {
                        id = map.next_value::<Value>()?.as_str().map(String::from);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Analysis { id, is_null: false })
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::MessageHead;
    use serde_json::json;

    #[test]
    fn heads_are_read_whatever_the_rest_is() {
        let head = |text: &str| MessageHead::read(text.as_bytes());
        let answer =
            head(r#"{"id":3,"result":{"view":[1,{"analysis":"no"}],"analysis":"a1"}}"#).unwrap();
        assert_eq!((answer.id, answer.analysis.as_deref()), (Some(json!(3)), Some("a1")));
        for result in ["null", "7", "-7", "0.5", "true", "\"x\"", "[1,[2]]", "{\"analysis\":1}"] {
            let answer = head(&format!(r#"{{"id":"x","result":{result}}}"#)).unwrap();
            assert_eq!((answer.analysis, answer.is_error), (None, false), "{result}");
            assert_eq!(answer.has_result, result != "null", "{result}");
        }
        assert!(head(r#"{"error":{"code":1},"id":3}"#).unwrap().is_error);
        assert_eq!(head(r#"{"method":"x","params":{}}"#).unwrap().method.as_deref(), Some("x"));
        assert_eq!(head("[]"), None);
        assert_eq!(head("{"), None);
    }
}
