//! A handler with its description: both are made of the same function, so that they cannot disagree.

use super::super::{App, Problem};
use super::schemas::Schemas;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What an operation takes and answers.
pub(in crate::api) struct Sketch<'a> {
    /// Where types become schemas.
    pub(in crate::api) schemas: &'a mut Schemas,
    /// Parameters of query and headers.
    pub(in crate::api) parameters: Vec<Value>,
    /// What the body is.
    pub(in crate::api) body: Option<Value>,
    /// Answers by status.
    pub(in crate::api) answers: Map<String, Value>,
    /// Codes of refusals that its types bring with them.
    pub(in crate::api) codes: BTreeSet<&'static str>,
}

impl<'a> Sketch<'a> {
    /// Of nothing yet.
    pub(in crate::api) fn new(schemas: &'a mut Schemas) -> Self {
        Self { schemas, parameters: Vec::new(), body: None, answers: Map::new(), codes: BTreeSet::new() }
    }

    /// An answer with JSON.
    pub(in crate::api) fn answer(&mut self, status: u16, description: &str, schema: &Value) {
        self.answer_as(status, description, "application/json", schema);
    }

    /// An answer of another type of content.
    pub(in crate::api) fn answer_as(&mut self, status: u16, description: &str, content: &str, schema: &Value) {
        let answer = &mut self.answers.entry(status.to_string()).or_insert_with(|| json!({}));
        answer["description"] = json!(description);
        answer["content"][content] = json!({ "schema": schema });
    }

    /// A header of an answer.
    pub(in crate::api) fn header(&mut self, status: u16, name: &str, description: &str) {
        let answer = &mut self.answers.entry(status.to_string()).or_insert_with(|| json!({ "description": "" }));
        answer["headers"][name] = json!({ "description": description, "schema": { "type": "string" } });
    }

    /// A header of the request.
    pub(in crate::api) fn takes_header(&mut self, name: &str, description: &str) {
        self.takes_header_of(name, description, &json!({ "type": "string" }));
    }

    /// One of a known form.
    pub(in crate::api) fn takes_header_of(&mut self, name: &str, description: &str, schema: &Value) {
        self.parameters.push(json!({ "name": name, "in": "header", "description": description, "schema": schema }));
    }
}

/// What a handler takes.
pub(in crate::api) trait Input {
    /// Says what it is.
    fn sketch(sketch: &mut Sketch<'_>);
}

/// What a handler answers.
pub(in crate::api) trait Output {
    /// Says what it is.
    fn sketch(sketch: &mut Sketch<'_>);
}

impl<T: Output> Output for Result<T, Problem> {
    fn sketch(sketch: &mut Sketch<'_>) {
        T::sketch(sketch);
    }
}

/// A function of which everything it takes and answers is known.
pub(in crate::api) trait Described<T> {
    /// Says what it takes and answers.
    fn sketch(sketch: &mut Sketch<'_>);
}

macro_rules! described {
    ($($input:ident),*) => {
        impl<F, R, $($input),*> Described<($($input,)*)> for F
        where
            F: AsyncFn($($input),*) -> R,
            R: Output,
            $($input: Input,)*
        {
            fn sketch(sketch: &mut Sketch<'_>) {
                $($input::sketch(sketch);)*
                R::sketch(sketch);
            }
        }
    };
}
described!();
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
described!(A, B, C, D, E);
described!(A, B, C, D, E, F1);
described!(A, B, C, D, E, F1, G);

/// What answers on a route, and what it takes and answers.
pub(in crate::api) struct Endpoint {
    /// What answers.
    pub(in crate::api) router: MethodRouter<App>,
    /// Says what it takes and answers.
    pub(in crate::api) sketch: fn(&mut Sketch<'_>),
}

impl Endpoint {
    /// Whether it shows one object, whose state has a tag.
    pub(in crate::api) fn is_object(&self) -> bool {
        let mut schemas = Schemas::default();
        let mut sketch = Sketch::new(&mut schemas);
        (self.sketch)(&mut sketch);
        sketch.answers.contains_key("304")
    }
}

macro_rules! method {
    ($($(#[$doc:meta])* $name:ident),+) => {
        $(
            $(#[$doc])*
            pub(in crate::api) fn $name<H, M: 'static, T>(handler: H) -> Endpoint
            where
                H: Handler<M, App> + Described<T>,
            {
                Endpoint { router: axum::routing::$name(handler), sketch: <H as Described<T>>::sketch }
            }
        )+
    };
}
method!(
    /// Answers `GET`, and `HEAD`.
    get,
    /// Answers `POST`.
    post,
    /// Answers `DELETE`.
    delete
);
