//! Avro schemas by their text: whether they are valid, what they are called, and their fingerprint.

use std::collections::HashSet;

use kernel::SchemaFingerprint;
use serde_json::{Map, Value};

/// Why a text is no schema that can be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Not a valid Avro schema.
    #[error("not an Avro schema: {0}")]
    Invalid(String),
    /// Valid Avro, but not a named record.
    #[error("an event's schema must be a record with a name and a namespace")]
    NotARecord,
    /// Valid Avro that events do not use.
    #[error("{0} is not used in events")]
    Unsupported(String),
    /// Two schemas of a set disagree: same name, or a name that is not the event's.
    #[error("schema of event {event_type} is named {name}")]
    Misnamed {
        /// The event type.
        event_type: String,
        /// The record's name.
        name: String,
    },
    /// What was written with one schema cannot be read with the other.
    #[error("{at}: {reason}")]
    Unresolvable {
        /// Where, as a path of field names.
        at: String,
        /// Why.
        reason: String,
    },
    /// No room for another writer schema; more than this many can only come from garbage.
    #[error("more than {0} versions of schemas")]
    TooMany(usize),
}

/// Parses a schema's text, valid in every part.
pub(crate) fn parse(json: &str) -> Result<apache_avro::Schema, SchemaError> {
    if json.len() > LONGEST_SCHEMA {
        return Err(SchemaError::Invalid(format!("longer than {LONGEST_SCHEMA} bytes")));
    }
    apache_avro::Schema::parse_str(json).map_err(|error| SchemaError::Invalid(error.to_string()))
}

/// Longer texts are refused before they are parsed.
const LONGEST_SCHEMA: usize = 1 << 20;

/// The full name of the record that a schema describes: `twofold.catalog.ProductCreated`.
pub fn record_name(json: &str) -> Result<String, SchemaError> {
    match parse(json)? {
        apache_avro::Schema::Record(record) => Ok(record.name.fullname(None)),
        _ => Err(SchemaError::NotARecord),
    }
}

/// The text without the freedom that JSON leaves: no space between tokens, members in the order of their names.
/// What differs in this differs in more than its writing.
pub fn normalised(json: &str) -> Result<String, SchemaError> {
    parse(json)?;
    let value: Value = serde_json::from_str(json).map_err(|error| SchemaError::Invalid(error.to_string()))?;
    let mut out = String::with_capacity(json.len());
    write_sorted(&value, &mut out);
    Ok(out)
}

fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_sorted(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(name, out);
                out.push(':');
                write_sorted(member, out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// The parsing canonical form: what is left of a schema when only what decides about bytes is kept.
///
/// Done here rather than by `apache-avro`, whose form keeps `{"type":"string"}` where a logical type was
/// stripped; Java and the specification reduce it to `"string"`, and fingerprints must agree with theirs.
pub fn canonical_form(json: &str) -> Result<String, SchemaError> {
    parse(json)?;
    let value: Value = serde_json::from_str(json).map_err(|error| SchemaError::Invalid(error.to_string()))?;
    let mut out = String::with_capacity(json.len() / 2);
    Canonical { defined: HashSet::new() }.write(&value, "", &mut out)?;
    Ok(out)
}

/// CRC-64-AVRO over the parsing canonical form. Texts that differ only in documentation, defaults, aliases or
/// logical types share it.
pub fn fingerprint(json: &str) -> Result<SchemaFingerprint, SchemaError> {
    Ok(SchemaFingerprint(crc64_avro(canonical_form(json)?.as_bytes()).cast_signed()))
}

const EMPTY: u64 = 0xc15d_213a_a4d7_a795;

const TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ (EMPTY & (value & 1).wrapping_neg());
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

fn crc64_avro(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |crc, byte| (crc >> 8) ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)])
}

struct Canonical {
    defined: HashSet<String>,
}

impl Canonical {
    fn write(&mut self, schema: &Value, namespace: &str, out: &mut String) -> Result<(), SchemaError> {
        match schema {
            Value::String(name) => {
                let name = if is_primitive(name) { name.clone() } else { full_name(name, None, namespace) };
                quote(&name, out);
                Ok(())
            }
            Value::Array(variants) => {
                self.list(variants, out, |this, variant, out| this.write(variant, namespace, out))
            }
            Value::Object(object) => self.object(object, namespace, out),
            other => Err(SchemaError::Invalid(format!("{other} stands for a type"))),
        }
    }

    fn list(
        &mut self,
        items: &[Value],
        out: &mut String,
        mut write: impl FnMut(&mut Self, &Value, &mut String) -> Result<(), SchemaError>,
    ) -> Result<(), SchemaError> {
        out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write(self, item, out)?;
        }
        out.push(']');
        Ok(())
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
        out: &mut String,
    ) -> Result<(), SchemaError> {
        let Some(kind) = object.get("type").and_then(Value::as_str) else {
            // {"type": {"type": …}} and {"type": [ … ]} mean what is inside.
            return self.write(member(object, "type")?, namespace, out);
        };
        match kind {
            "array" | "map" => {
                let inner = if kind == "array" { "items" } else { "values" };
                out.push_str("{\"type\":\"");
                out.push_str(kind);
                out.push_str("\",\"");
                out.push_str(inner);
                out.push_str("\":");
                self.write(member(object, inner)?, namespace, out)?;
                out.push('}');
                Ok(())
            }
            "record" | "error" | "enum" | "fixed" => self.named(kind, object, namespace, out),
            _ => self.write(&object["type"], namespace, out),
        }
    }

    fn named(
        &mut self,
        kind: &str,
        object: &Map<String, Value>,
        namespace: &str,
        out: &mut String,
    ) -> Result<(), SchemaError> {
        let declared = object.get("namespace").and_then(Value::as_str);
        let name = full_name(text(object, "name")?, declared, namespace);
        let inside = name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        if !self.defined.insert(name.clone()) {
            quote(&name, out);
            return Ok(());
        }
        out.push_str("{\"name\":");
        quote(&name, out);
        out.push_str(",\"type\":");
        quote(kind, out);
        match kind {
            "fixed" => {
                let size = member(object, "size")?;
                let size = size.as_u64().or_else(|| size.as_str().and_then(|text| text.parse().ok()));
                let size = size.ok_or_else(|| SchemaError::Invalid("a size is no number".to_owned()))?;
                out.push_str(",\"size\":");
                out.push_str(&size.to_string());
            }
            "enum" => {
                out.push_str(",\"symbols\":");
                self.list(items(object, "symbols")?, out, |_, symbol, out| {
                    quote(symbol.as_str().unwrap_or_default(), out);
                    Ok(())
                })?;
            }
            _ => {
                out.push_str(",\"fields\":");
                self.list(items(object, "fields")?, out, |this, field, out| {
                    let field = field
                        .as_object()
                        .ok_or_else(|| SchemaError::Invalid("a field is no object".to_owned()))?;
                    out.push_str("{\"name\":");
                    quote(text(field, "name")?, out);
                    out.push_str(",\"type\":");
                    this.write(member(field, "type")?, &inside, out)?;
                    out.push('}');
                    Ok(())
                })?;
            }
        }
        out.push('}');
        Ok(())
    }
}

fn is_primitive(name: &str) -> bool {
    matches!(name, "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string")
}

fn full_name(name: &str, declared: Option<&str>, enclosing: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    match declared.unwrap_or(enclosing) {
        "" => name.to_owned(),
        namespace => format!("{namespace}.{name}"),
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, SchemaError> {
    object.get(name).ok_or_else(|| SchemaError::Invalid(format!("{name} is missing")))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, SchemaError> {
    member(object, name)?.as_str().ok_or_else(|| SchemaError::Invalid(format!("{name} is no text")))
}

fn items<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], SchemaError> {
    let list = member(object, name)?.as_array();
    list.map(Vec::as_slice).ok_or_else(|| SchemaError::Invalid(format!("{name} is no list")))
}

#[cfg(test)]
mod tests;
