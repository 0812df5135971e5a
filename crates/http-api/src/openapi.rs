//! OpenAPI 3.1 of a service, generated from its types.
//!
//! ```
//! use http_api::{OpenApi, Operation, ProblemType};
//! # #[derive(serde::Deserialize, schemars::JsonSchema)] struct Filter { limit: Option<u16> }
//! # #[derive(serde::Serialize, schemars::JsonSchema)] struct Shelf { title: String }
//! let mut api = OpenApi::new("Library", "Books and who has them.");
//! api.tag("shelves", "Where the books are.");
//! api.operation(
//!     &http::Method::GET,
//!     "/v1/library/shelves/{id}",
//!     Operation::new("getShelf", "One shelf")
//!         .tag("shelves")
//!         .scope("library:read")
//!         .path_parameter::<uuid::Uuid>("id", "Which shelf.")
//!         .query_parameters::<Filter>()
//!         .answer::<Shelf>(200, "The shelf.")
//!         .problem(ProblemType::NotFound),
//! );
//! assert!(api.to_json().starts_with(br#"{"components""#));
//! ```

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::problem::Members;
use crate::{PROBLEM_CONTENT_TYPE, ProblemType};

mod components;
mod operation;
mod own;
mod parameter;

pub use operation::Operation;

use components::Components;

/// The description of a service. Built once at start.
#[derive(Debug)]
pub struct OpenApi {
    info: Value,
    tags: Vec<Value>,
    paths: Map<String, Value>,
    components: Components,
}

impl OpenApi {
    /// A service that serves nothing yet but what every service does: health, metrics, this description.
    pub fn new(title: &str, description: &str) -> Self {
        let mut components = Components::default();
        // What a client sees of a problem; the reference is spelt out where it is used.
        components.add_answer::<Members<'static>>();
        let mut api = Self {
            info: json!({
                "title": title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": description,
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            }),
            tags: Vec::new(),
            paths: Map::new(),
            components,
        };
        own::describe(&mut api);
        api
    }

    /// Explains a tag; tags are shown in this order.
    pub fn tag(&mut self, name: &str, description: &str) {
        // Before the service's own.
        let at = self.tags.len().saturating_sub(1);
        self.tags.insert(at, json!({ "name": name, "description": description }));
    }

    /// Adds an operation. `path` is written as the router has it, `/v1/catalog/products/{id}`.
    pub fn operation(&mut self, method: &Method, path: &str, operation: Operation) {
        let described = operation.describe(&mut self.components);
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        item[method.as_str().to_ascii_lowercase()] = described;
    }

    /// The whole description, serialised.
    pub fn to_json(&self) -> Bytes {
        Bytes::from(self.to_value().to_string())
    }

    /// The whole description.
    pub fn to_value(&self) -> Value {
        let examples: Map<String, Value> =
            ProblemType::ALL.iter().map(|kind| (kind.slug().to_owned(), example(*kind))).collect();
        json!({
            "openapi": "3.1.0",
            "info": self.info,
            "servers": [{ "url": "/", "description": "The service that serves this description." }],
            "tags": self.tags,
            "security": [{ "bearer": [] }],
            "paths": self.paths,
            "components": {
                "schemas": self.components.schemas(),
                "examples": examples,
                "headers": own::headers(),
                "securitySchemes": { "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A JWT with the claims `sub`, `tenant`, `scope` (separated by spaces) and `exp`. \
                        The tenant is taken from the token and from nowhere else.",
                } },
            },
        })
    }
}

/// The answers of an operation with these problems, by status.
fn problem_answers(kinds: &[ProblemType]) -> Map<String, Value> {
    let mut answers: Map<String, Value> = Map::new();
    for kind in kinds {
        let status = kind.status().as_str().to_owned();
        let line = format!("`{}`: {}.", kind.slug(), kind.title());
        let answer = answers.entry(status).or_insert_with(|| {
            json!({
                "description": "",
                "headers": own::header_references(&own::problem_headers(*kind)),
                "content": { (PROBLEM_CONTENT_TYPE): {
                    "schema": { "$ref": "#/components/schemas/Problem" },
                    "examples": {},
                } },
            })
        });
        let said = answer["description"].as_str().unwrap_or_default();
        let joined = if said.is_empty() { line } else { format!("{said}\n\n{line}") };
        answer["description"] = Value::from(joined);
        answer["content"][PROBLEM_CONTENT_TYPE]["examples"][kind.slug()] =
            json!({ "$ref": format!("#/components/examples/{}", kind.slug()) });
    }
    answers
}

fn example(kind: ProblemType) -> Value {
    json!({
        "summary": kind.title(),
        "value": {
            "type": kind.uri(),
            "title": kind.title(),
            "status": kind.status().as_u16(),
            "instance": "0197a3c2-6d0e-7b54-9f6e-2a1c7d3b5e90",
        },
    })
}

#[cfg(test)]
mod tests;
