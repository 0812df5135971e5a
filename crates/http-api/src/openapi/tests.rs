use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::*;

mod library {
    use super::*;

    /// A book.
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct Book {
        /// On its cover.
        pub(super) title: String,
        pub(super) price: super::Price,
    }
}

mod shop {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct Book {
        pub(super) isbn: u64,
    }
}

/// An amount.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Price {
    amount: i64,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Filter {
    /// How many at most.
    limit: Option<u16>,
    /// In which order.
    sort: Option<Sort>,
    /// Where.
    shelf: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Name,
    Price,
}

fn api() -> Value {
    let mut api = OpenApi::new("Library", "Books.");
    api.tag("books", "What there is.");
    api.operation(
        &Method::GET,
        "/v1/library/books/{id}",
        Operation::new("getBook", "One book")
            .tag("books")
            .scope("library:read")
            .path_parameter::<uuid::Uuid>("id", "Which.")
            .query_parameters::<Filter>()
            .answer::<library::Book>(200, "The book.")
            .problem(ProblemType::NotFound)
            .reads(),
    );
    api.operation(
        &Method::POST,
        "/v1/library/add-book",
        Operation::new("addBook", "Adds a book")
            .tag("books")
            .scope("library:write")
            .body::<shop::Book>("What to add.")
            .answer::<library::Book>(201, "It is there.")
            .writes(),
    );
    api.to_value()
}

/// Every `$ref` in the document.
fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(reference) if name == "$ref" => into.push(reference.to_owned()),
                    _ => references(member, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let api = api();
    let mut found = Vec::new();
    references(&api, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(api.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn two_types_of_one_name_are_kept_apart() {
    let api = api();
    let schemas = &api["components"]["schemas"];
    let (first, second) = (&schemas["Book"]["properties"], &schemas["Book2"]["properties"]);
    assert!(first["title"].is_object() && second["isbn"].is_object(), "{schemas:#}");
    assert_eq!(first["price"]["$ref"], "#/components/schemas/Price");
    let body = &api["paths"]["/v1/library/add-book"]["post"]["requestBody"]["content"]["application/json"];
    assert_eq!(body["schema"]["$ref"], "#/components/schemas/Book2");
    assert!(schemas.get("Price2").is_none(), "one type is kept once");
}

#[test]
fn members_of_a_query_struct_are_parameters() {
    let api = api();
    let operation = &api["paths"]["/v1/library/books/{id}"]["get"];
    let parameters = operation["parameters"].as_array().unwrap();
    let named = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
    assert_eq!(named("limit")["description"], "How many at most.");
    assert_eq!(named("limit")["schema"]["type"], "integer", "absent is absent, not null");
    assert_eq!(named("sort")["schema"]["$ref"], "#/components/schemas/Sort");
    assert_eq!((&named("shelf")["required"], &named("limit")["required"]), (&json!(true), &json!(false)));
    assert_eq!(named("id")["in"], "path");
    for header in ["Twofold-After", "Prefer", "If-None-Match", "X-Request-Id"] {
        assert_eq!(named(header)["in"], "header");
    }
}

#[test]
fn problems_of_one_status_share_an_answer() {
    let api = api();
    let answers = &api["paths"]["/v1/library/add-book"]["post"]["responses"];
    let conflict = &answers["409"];
    let examples = conflict["content"]["application/problem+json"]["examples"].as_object().unwrap();
    assert_eq!(examples.keys().collect::<Vec<_>>(), ["conflict", "rejected"]);
    assert_eq!(
        conflict["content"]["application/problem+json"]["schema"]["$ref"],
        "#/components/schemas/Problem"
    );
    for status in ["201", "400", "401", "403", "409", "412", "413", "415", "422", "500", "503", "504"] {
        assert!(answers[status].is_object(), "{status}");
        assert!(answers[status]["headers"]["X-Request-Id"].is_object(), "{status}");
    }
    assert!(answers["401"]["headers"]["WWW-Authenticate"].is_object());
    assert!(answers["503"]["headers"]["Retry-After"].is_object());
    assert!(answers["201"]["headers"]["Twofold-Sequence"].is_object());
}

#[test]
fn a_scope_is_asked_for_and_said() {
    let api = api();
    let operation = &api["paths"]["/v1/library/add-book"]["post"];
    assert_eq!(operation["security"], json!([{ "bearer": ["library:write"] }]));
    assert_eq!(operation["description"], "Needs the scope `library:write`.");
    assert_eq!(api["paths"]["/healthz"]["get"]["security"], json!([]));
}

#[test]
fn the_problem_schema_documents_its_members() {
    let api = api();
    let problem = &api["components"]["schemas"]["Problem"];
    for member in ["type", "title", "status", "detail", "instance", "code", "errors"] {
        assert!(problem["properties"][member]["description"].is_string(), "{member}: {problem:#}");
    }
    assert_eq!(problem["required"], json!(["type", "title", "status"]));
}

#[test]
fn the_services_own_paths_come_last() {
    let api = api();
    let tags: Vec<&str> =
        api["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(tags, ["books", "service"]);
    assert_eq!(api["openapi"], "3.1.0");
}

#[test]
fn operation_ids_are_unique() {
    let api = api();
    let mut ids: Vec<&str> = api["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}
