//! Repairs a wrong body just so far that the rest of it can be judged too.
//!
//! A body without a name and with a negative price has two things wrong. The price can only be judged by the
//! command itself, which cannot be made without a name: so a stand-in goes where the fault is, and whatever is
//! then said about the stand-in is not passed on.

use serde_json::{Map, Value, json};

use super::fault::{Fault, Step, UNKNOWN_FIELD};

/// Nested shapes deeper than this get no stand-in: a schema may contain itself.
const DEEPEST: usize = 8;

/// Puts stand-ins where the faults are, and takes out what does not belong.
pub(super) fn mend(body: &mut Value, schema: &Value, faults: &[Fault]) {
    for fault in faults {
        let Some((last, parents)) = fault.path.split_last() else {
            *body = stand_in(schema, schema, 0);
            continue;
        };
        let Some(shape) = shape_at(schema, parents) else { continue };
        let Some(parent) = value_at(body, parents) else { continue };
        match (parent, last) {
            (Value::Object(fields), Step::Field(field)) if fault.code == UNKNOWN_FIELD => {
                fields.remove(field);
            }
            (Value::Object(fields), Step::Field(field)) => {
                if let Some(shape) = shape_of_field(schema, shape, field) {
                    fields.insert(field.clone(), stand_in(schema, shape, 0));
                }
            }
            (Value::Array(items), Step::Index(index)) => {
                if let (Some(item), Some(shape)) = (items.get_mut(*index), shape.get("items")) {
                    *item = stand_in(schema, shape, 0);
                }
            }
            _ => {}
        }
    }
}

fn value_at<'a>(body: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(body, |value, step| match step {
        Step::Field(field) => value.get_mut(field),
        Step::Index(index) => value.get_mut(index),
    })
}

fn shape_at<'a>(schema: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(resolved(schema, schema)?, |shape, step| {
        let inner = match step {
            Step::Field(field) => shape_of_field(schema, shape, field),
            Step::Index(_) => shape.get("items"),
        };
        resolved(schema, inner?)
    })
}

fn shape_of_field<'a>(schema: &'a Value, shape: &'a Value, field: &str) -> Option<&'a Value> {
    let shape = resolved(schema, shape)?;
    shape.get("properties").and_then(|fields| fields.get(field)).or_else(|| shape.get("additionalProperties"))
}

/// What a shape says in the end: its reference followed, and of alternatives the first that is not null.
fn resolved<'a>(schema: &'a Value, shape: &'a Value) -> Option<&'a Value> {
    (0..DEEPEST).try_fold(shape, |shape, _| {
        if let Some(Value::String(reference)) = shape.get("$ref") {
            return schema.pointer(reference.strip_prefix('#')?);
        }
        let alternatives = shape.get("anyOf").or_else(|| shape.get("oneOf"));
        match alternatives.and_then(Value::as_array) {
            Some(shapes) => shapes.iter().find(|shape| shape.get("type") != Some(&json!("null"))),
            None => Some(shape),
        }
    })
}

/// A value that fits the shape, as far as shapes can say.
fn stand_in(schema: &Value, shape: &Value, depth: usize) -> Value {
    let Some(shape) = resolved(schema, shape) else { return Value::Null };
    let first_of = |list: &str| shape.get(list).and_then(|values| values.get(0)).cloned();
    if let Some(value) =
        shape.get("const").cloned().or_else(|| first_of("enum")).or_else(|| first_of("examples"))
    {
        return value;
    }
    let kind = match shape.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("string") => match shape.get("format").and_then(Value::as_str) {
            Some("uuid") => json!("00000000-0000-0000-0000-000000000000"),
            Some("date-time") => json!("1970-01-01T00:00:00Z"),
            Some("date") => json!("1970-01-01"),
            Some("email") => json!("someone@example.com"),
            _ => json!("x"),
        },
        Some("integer" | "number") => shape.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") if depth < DEEPEST => {
            let required = shape.get("required").and_then(Value::as_array).into_iter().flatten();
            let fields = required.filter_map(Value::as_str).map(|field| {
                let inner = shape_of_field(schema, shape, field).unwrap_or(&Value::Null);
                (field.to_owned(), stand_in(schema, inner, depth + 1))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}
