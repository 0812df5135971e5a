//! What an operation takes beside its body, and where schemas come from.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::components::Components;

/// Makes a schema once the components that it shares are at hand.
pub(super) enum Schema {
    Typed(fn(&mut Components) -> Value),
    /// A whole schema document, and its name where it has one.
    Given(Value, Option<String>),
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Schema")
    }
}

/// What an operation takes beside its body.
#[derive(Debug)]
pub(super) enum Parameter {
    One {
        place: &'static str,
        name: String,
        description: String,
        required: bool,
        schema: Schema,
    },
    /// Each member of a struct is one query parameter.
    Members(Schema),
}

impl Schema {
    pub(super) fn make(self, components: &mut Components) -> Value {
        match self {
            Self::Typed(make) => make(components),
            Self::Given(schema, name) => components.embed(schema, name),
        }
    }
}

impl Parameter {
    pub(super) fn header(name: &str, description: &str, schema: Value) -> Self {
        Self::given("header", name, description, schema)
    }

    pub(super) fn query(name: &str, description: &str, schema: Value) -> Self {
        Self::given("query", name, description, schema)
    }

    fn given(place: &'static str, name: &str, description: &str, schema: Value) -> Self {
        let schema = Schema::Given(schema, None);
        let (name, description) = (name.to_owned(), description.to_owned());
        Self::One { place, name, description, required: false, schema }
    }

    pub(super) fn describe(self, components: &mut Components, into: &mut Vec<Value>) {
        match self {
            Self::One { place, name, description, required, schema } => into.push(json!({
                "name": name,
                "in": place,
                "description": description,
                "required": required,
                "schema": without_null(schema.make(components)),
            })),
            Self::Members(schema) => {
                let schema = schema.make(components);
                let required: Vec<&str> =
                    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let members = schema["properties"].as_object().cloned().unwrap_or_else(Map::new);
                for (name, mut member) in members {
                    let description = member.as_object_mut().and_then(|member| member.remove("description"));
                    into.push(json!({
                        "name": name,
                        "in": "query",
                        "description": description.unwrap_or_default(),
                        "required": required.contains(&name.as_str()),
                        "schema": without_null(member),
                    }));
                }
            }
        }
    }
}

impl Components {
    /// The members of a struct, not as a component of their own.
    pub(super) fn add_members<T: JsonSchema>(&mut self) -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_deserialize();
        self.embed(settings.into_generator().into_root_schema_for::<T>().to_value(), None)
    }
}

/// A parameter that is absent is absent, not null.
fn without_null(mut schema: Value) -> Value {
    if let Some(types) = schema.get_mut("type")
        && let Some(several) = types.as_array_mut()
    {
        several.retain(|name| name != "null");
        if let [only] = several.as_slice() {
            *types = only.clone();
        }
    }
    if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = choices.as_slice() {
            return only.clone();
        }
    }
    if schema.get("default").is_some_and(Value::is_null)
        && let Some(members) = schema.as_object_mut()
    {
        members.remove("default");
    }
    schema
}
