//! Schemas that operations share.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schemas under `#/components/schemas`, each once.
#[derive(Debug, Default)]
pub(super) struct Components {
    /// The final name, the schema as it came and the schema as it is served.
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    asked_name: String,
    name: String,
    raw: Value,
    served: Value,
}

impl Components {
    /// What a client sends of type `T`, as a reference where the type has a name.
    pub(super) fn add_request<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.add::<T>(SchemaSettings::draft2020_12().for_deserialize())
    }

    /// What a client gets of type `T`.
    pub(super) fn add_answer<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.add::<T>(SchemaSettings::draft2020_12().for_serialize())
    }

    fn add<T: JsonSchema + ?Sized>(&mut self, settings: SchemaSettings) -> Value {
        let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
        let name = (!T::inline_schema()).then(|| T::schema_name().into_owned());
        self.embed(schema, name)
    }

    /// Takes in a whole schema document: what lies in its `$defs` becomes components, and with a name so does the
    /// schema itself.
    pub(super) fn embed(&mut self, mut schema: Value, name: Option<String>) -> Value {
        let definitions = match schema.as_object_mut() {
            Some(root) => {
                root.remove("$schema");
                root.remove("$defs")
            }
            None => return schema,
        };
        let mut incoming: Vec<(String, Value)> = Vec::new();
        if let Some(Value::Object(definitions)) = definitions {
            incoming.extend(definitions);
        }
        let named = name.is_some();
        if let Some(name) = name {
            if let Some(root) = schema.as_object_mut() {
                root.remove("title");
            }
            incoming.push((name, schema.clone()));
        }
        let names: Vec<(String, String)> =
            incoming.iter().map(|(asked, raw)| (asked.clone(), self.settle(asked, raw))).collect();
        for (asked, raw) in incoming {
            let name = renamed(&names, &asked).to_owned();
            if self.known.iter().any(|known| known.name == name) {
                continue;
            }
            let mut served = raw.clone();
            rewrite(&mut served, &names);
            self.known.push(Known { asked_name: asked, name, raw, served });
        }
        if named && let Some((_, name)) = names.last() {
            return reference(name);
        }
        rewrite(&mut schema, &names);
        schema
    }

    /// The name under which a schema is kept: its own, or with a number where another schema has that.
    fn settle(&self, asked: &str, raw: &Value) -> String {
        if let Some(known) = self.known.iter().find(|known| known.asked_name == asked && known.raw == *raw) {
            return known.name.clone();
        }
        let taken = |name: &str| self.known.iter().any(|known| known.name == name);
        let mut name = asked.to_owned();
        let mut number = 2;
        while taken(&name) {
            name = format!("{asked}{number}");
            number += 1;
        }
        name
    }

    pub(super) fn schemas(&self) -> Map<String, Value> {
        self.known.iter().map(|known| (known.name.clone(), known.served.clone())).collect()
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn renamed<'a>(names: &'a [(String, String)], asked: &'a str) -> &'a str {
    names.iter().find(|(known, _)| known == asked).map_or(asked, |(_, name)| name)
}

/// Turns references into the document's own definitions into references to components.
fn rewrite(schema: &mut Value, names: &[(String, String)]) {
    match schema {
        Value::Object(members) => {
            for (member, value) in members {
                match value.as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
                    Some(asked) if member == "$ref" => {
                        *value = Value::from(format!("#/components/schemas/{}", renamed(names, asked)));
                    }
                    _ => rewrite(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, names)),
        _ => {}
    }
}
