//! The one list of methods. The server, PROTOCOL.md and the tests expand it, so a method cannot exist in one and be missing in another.
//! One file a method below this one: its marker type, params and view.

pub mod attribution;
pub mod compare;
pub mod continuation;
pub mod edge;
pub mod effect;
pub mod head;
pub mod lens;
pub mod mlp;
pub mod models;
pub mod neuron;
pub mod node;
pub mod parts;
pub mod render;
pub mod routes;
pub mod status;
pub mod switches;
pub mod tokens;

/// Calls `$then!` once for every view (a method about one prompt) that is one job of the server, with the marker type.
#[macro_export]
macro_rules! for_each_view {
    ($then:ident) => {
        $then!($crate::views::tokens::Tokens);
        $then!($crate::views::attribution::TokenAttribution);
        $then!($crate::views::parts::Parts);
        $then!($crate::views::routes::RouteGraph);
        $then!($crate::views::lens::LensGrid);
        $then!($crate::views::node::NodeView);
        $then!($crate::views::edge::EdgeView);
        $then!($crate::views::head::HeadView);
        $then!($crate::views::mlp::MlpView);
        $then!($crate::views::neuron::NeuronView);
    };
}

/// Calls `$then!` once for every method: the views, the rendering, which needs no forward pass, the continuation, the effects and the
/// comparison, which are a job a token, a batch and a run, then those that are about no prompt.
#[macro_export]
macro_rules! for_each_method {
    ($then:ident) => {
        $crate::for_each_view!($then);
        $then!($crate::views::render::Render);
        $then!($crate::views::continuation::Continue);
        $then!($crate::views::effect::Effect);
        $then!($crate::views::switches::Switches);
        $then!($crate::views::compare::Compare);
        $then!($crate::views::models::Models);
        $then!($crate::views::status::Status);
    };
}

/// Implements [`crate::request::Request`] and [`crate::request::View`] for a marker type.
macro_rules! view {
    ($(#[doc = $doc:literal])+ $name:ident = $method:literal, $params:ty => $body:ty, errors: [$($error:ident),*]) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl $crate::request::Request for $name {
            const METHOD: &'static str = $method;
            const PURPOSE: &'static str = concat!($($doc),+);
            const ERRORS: &'static [$crate::view_error::ErrorKind] = &[$($crate::view_error::ErrorKind::$error),*];
            type Params = $params;
            type Result = $crate::request::Answer<$body>;
        }
        impl $crate::request::View for $name {
            type Body = $body;
            fn subject(params: &$params) -> &$crate::request::Subject {
                &params.subject
            }
        }
    };
}
use view;
