//! `wire!`: declares a wire type once and keeps its doc comments as data, so that PROTOCOL.md (and editor types) are written from them.
//! What must not live here: wire types themselves.

use std::collections::BTreeMap;

/// One field of a struct, or one value of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDoc {
    /// Its name on the wire.
    pub name: String,
    /// Its type, as PROTOCOL.md spells it; empty for the values of an enum.
    pub of: String,
    /// Its doc comment.
    pub doc: String,
    /// Whether it may be left out on the wire.
    pub is_optional: bool,
}

/// One wire type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDoc {
    /// Its name in Rust and in PROTOCOL.md.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Fields of a struct, values of an enum.
    pub fields: Vec<FieldDoc>,
    /// Whether `fields` are the values of an enum of strings.
    pub is_enum: bool,
}

/// Every type met so far, in the order of first use.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The types.
    pub types: Vec<TypeDoc>,
}

impl Catalogue {
    /// Adds a type unless it is there; `fields` is asked only then, which ends recursion.
    pub fn add(
        &mut self,
        name: &str,
        doc: &str,
        is_enum: bool,
        fields: impl FnOnce(&mut Self) -> Vec<FieldDoc>,
    ) {
        if self.types.iter().any(|known| known.name == name) {
            return;
        }
        let place = self.types.len();
        self.types.push(TypeDoc {
            name: name.into(),
            doc: doc.trim().into(),
            fields: Vec::new(),
            is_enum,
        });
        let fields = fields(self);
        self.types[place].fields = fields;
    }
}

/// A type that can describe how it looks on the wire.
pub trait Shape {
    /// Its spelling in PROTOCOL.md; adds the named types that it is made of to the catalogue.
    fn shape(catalogue: &mut Catalogue) -> String;
}

macro_rules! plain_shapes {
    ($($ty:ty => $name:literal),* $(,)?) => {$(
        impl Shape for $ty {
            fn shape(_: &mut Catalogue) -> String {
                $name.into()
            }
        }
    )*};
}

plain_shapes! {
    String => "string", bool => "boolean", f32 => "number", f64 => "number",
    u8 => "integer", u32 => "integer", i32 => "integer", u64 => "integer", usize => "integer",
    serde_json::Value => "any", [usize; 2] => "[integer, integer]",
}

impl<T: Shape> Shape for Vec<T> {
    fn shape(catalogue: &mut Catalogue) -> String {
        let of = T::shape(catalogue);
        if of.contains(' ') { format!("({of})[]") } else { format!("{of}[]") }
    }
}

impl<T: Shape> Shape for Option<T> {
    fn shape(catalogue: &mut Catalogue) -> String {
        format!("{} | null", T::shape(catalogue))
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn shape(catalogue: &mut Catalogue) -> String {
        format!("{{name: {}}}", T::shape(catalogue))
    }
}

/// Declares wire structs and enums of strings: derives serde and [`Shape`] from one declaration.
macro_rules! wire {
    () => {};
    (
        $(#[doc = $doc:literal])+
        $(#[derive($($also:ident),*)])?
        $(#[serde($of_all:ident)])?
        pub struct $name:ident {
            $( $(#[doc = $fdoc:literal])+ $(#[serde($($attr:tt)*)])? pub $field:ident : $ty:ty ),* $(,)?
        }
        $($rest:tt)*
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        $(#[derive($($also),*)])?
        $(#[serde($of_all)])?
        pub struct $name {
            $( $(#[doc = $fdoc])+ $(#[serde($($attr)*)])? pub $field: $ty, )*
        }
        impl $crate::shape::Shape for $name {
            fn shape(catalogue: &mut $crate::shape::Catalogue) -> String {
                catalogue.add(stringify!($name), concat!($($doc),+), false, |_catalogue| vec![
                    $($crate::shape::FieldDoc {
                        name: stringify!($field).into(),
                        of: <$ty as $crate::shape::Shape>::shape(_catalogue),
                        doc: concat!($($fdoc),+).trim().into(),
                        is_optional: concat!("", $(stringify!($($attr)*))?).contains("default"),
                    },)*
                ]);
                stringify!($name).into()
            }
        }
        wire! { $($rest)* }
    };
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident {
            $( $(#[doc = $vdoc:literal])+ $variant:ident = $wire:literal ),* $(,)?
        }
        $($rest:tt)*
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $( $(#[doc = $vdoc])+ #[serde(rename = $wire)] $variant, )*
        }
        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The value's spelling on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),* }
            }
        }
        impl $crate::shape::Shape for $name {
            fn shape(catalogue: &mut $crate::shape::Catalogue) -> String {
                catalogue.add(stringify!($name), concat!($($doc),+), true, |_| vec![
                    $($crate::shape::FieldDoc {
                        name: $wire.into(),
                        of: String::new(),
                        doc: concat!($($vdoc),+).trim().into(),
                        is_optional: false,
                    },)*
                ]);
                stringify!($name).into()
            }
        }
        wire! { $($rest)* }
    };
}
