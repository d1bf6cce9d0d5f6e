//! One intervention, or several that act together: an object, its text, or a list of these.

use crate::{
    intervention::Intervention,
    shape::{Catalogue, Shape},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;

/// Interventions that act together; reads and writes as a list, or as the one there is.
#[derive(Clone, Debug, PartialEq)]
pub struct InterventionSet {
    /// At least one.
    pub interventions: Vec<Intervention>,
    /// Whether the one there is was, and is, written as a list.
    is_list: bool,
}

impl InterventionSet {
    /// Several that act together.
    pub fn together(interventions: Vec<Intervention>) -> Self {
        Self { interventions, is_list: true }
    }

    /// Names it among others: equal changes have equal keys. None for one that carries many values, or another prompt.
    pub fn key(&self) -> Option<String> {
        let is_long =
            |of: &Intervention| of.values.is_some() || of.token_ids.is_some() || of.from.is_some();
        if self.interventions.iter().any(is_long) {
            return None;
        }
        serde_json::to_string(&self.interventions).ok()
    }
}

impl From<Intervention> for InterventionSet {
    fn from(intervention: Intervention) -> Self {
        Self { interventions: vec![intervention], is_list: false }
    }
}

impl fmt::Display for InterventionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, intervention) in self.interventions.iter().enumerate() {
            write!(f, "{}{intervention}", if at == 0 { "" } else { " + " })?;
        }
        Ok(())
    }
}

impl Serialize for InterventionSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.interventions.as_slice() {
            [one] if !self.is_list => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

/// An intervention as an object or as text.
struct Written(Intervention);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written_;
        impl<'de> Visitor<'de> for Written_ {
            type Value = Intervention;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an intervention: an object with a `kind`, or its text like `head 3.2`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Intervention, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Intervention, A::Error> {
                Intervention::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(Written_).map(Self)
    }
}

impl<'de> Deserialize<'de> for InterventionSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = InterventionSet;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an intervention (an object with a `kind`, or its text like `head 3.2`) or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<InterventionSet, E> {
                text.parse::<Intervention>().map(Into::into).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<InterventionSet, A::Error> {
                Intervention::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<InterventionSet, A::Error> {
                let mut interventions = Vec::new();
                while let Some(Written(intervention)) = list.next_element()? {
                    interventions.push(intervention);
                }
                if interventions.is_empty() {
                    return Err(A::Error::custom(
                        "the list is empty; give at least one intervention",
                    ));
                }
                Ok(InterventionSet::together(interventions))
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}

impl Shape for InterventionSet {
    fn shape(catalogue: &mut Catalogue) -> String {
        let of = Intervention::shape(catalogue);
        format!("{of} | string (its text) | ({of} | string)[] (act together)")
    }
}
