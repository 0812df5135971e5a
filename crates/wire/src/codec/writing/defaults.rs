//! Defaults, from JSON.

use serde::Serializer as _;
use serde_json::Value;

use super::{Writer, put_bytes, put_count, put_integer, write};
use crate::codec::shape::Shape;

/// A default, given as JSON in a schema, as it would stand in a body; `None` where it is no value of the type.
pub(crate) fn default_bytes(shape: &Shape, value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    put_default(shape, value, &mut out).map(|()| out)
}

/// Longer defaults are refused: a list of records that have defaults themselves can be much longer than its text.
const LONGEST: usize = 1 << 16;

fn put_default(shape: &Shape, value: &Value, out: &mut Vec<u8>) -> Option<()> {
    if out.len() > LONGEST {
        return None;
    }
    match (shape, value) {
        (Shape::Null, Value::Null) => {}
        (Shape::Boolean, Value::Bool(value)) => out.push(u8::from(*value)),
        (Shape::Int | Shape::Long, Value::Number(_)) => {
            write(shape, &value.as_i64()?, out).ok()?;
        }
        (Shape::Float, Value::Number(_)) => {
            #[expect(clippy::cast_possible_truncation, reason = "a float's default is given as a decimal")]
            let value = value.as_f64()? as f32;
            out.extend_from_slice(&value.to_le_bytes());
        }
        (Shape::Double, Value::Number(_)) => out.extend_from_slice(&value.as_f64()?.to_le_bytes()),
        (Shape::Text | Shape::Enum { .. }, Value::String(text)) => write(shape, text, out).ok()?,
        (Shape::Bytes | Shape::Fixed(_), Value::String(text)) => {
            // Bytes stand as the characters with their numbers.
            let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<_>>()?;
            Writer { shape, out }.serialize_bytes(&bytes).ok()?;
        }
        (Shape::List(item), Value::Array(items)) => {
            if !items.is_empty() {
                put_count(items.len(), out);
            }
            items.iter().try_for_each(|value| put_default(item, value, out))?;
            put_count(0, out);
        }
        (Shape::Map(item), Value::Object(entries)) => {
            if !entries.is_empty() {
                put_count(entries.len(), out);
            }
            for (key, value) in entries {
                put_bytes(key.as_bytes(), out);
                put_default(item, value, out)?;
            }
            put_count(0, out);
        }
        (Shape::Optional { null, .. }, Value::Null) => put_integer(i64::from(*null), out),
        (Shape::Optional { null, some }, value) => {
            put_integer(i64::from(1 - *null), out);
            put_default(some, value, out)?;
        }
        (Shape::Record(record), Value::Object(given)) => {
            for field in &record.fields {
                match (given.get(&field.name), &field.default) {
                    (Some(value), _) => put_default(&field.shape, value, out)?,
                    (None, Some(default)) => out.extend_from_slice(default),
                    (None, None) => return None,
                }
            }
        }
        _ => return None,
    }
    Some(())
}
