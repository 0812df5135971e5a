//! What a fold is known by: a hash over what it makes of given events.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Two folds that differ in it are not the same, whatever their versions say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FoldFingerprint(u64);

impl fmt::Display for FoldFingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint of a fold has 16 hexadecimal digits")]
pub struct InvalidFingerprint;

impl FromStr for FoldFingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let well_formed = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = well_formed.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(InvalidFingerprint)
    }
}

/// Makes a fingerprint of what it is told, in that order.
#[derive(Debug, Clone, Default)]
pub struct FoldTrace(Sha256);

impl FoldTrace {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    /// A value as JSON, whatever order its fields are written in. One that has no JSON is told as that.
    pub fn json(&mut self, value: &impl Serialize) {
        match serde_json::to_value(value) {
            Ok(value) => self.value(&value),
            Err(_) => self.text("no JSON"),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Array(items) => {
                self.count("list", items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(fields) => {
                self.count("record", fields.len());
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                for (name, value) in fields {
                    self.text(name);
                    self.value(value);
                }
            }
            Value::String(text) => {
                self.text("text");
                self.text(text);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.text(&value.to_string()),
        }
    }

    fn count(&mut self, what: &str, count: usize) {
        self.text(what);
        self.0.update((count as u64).to_be_bytes());
    }

    /// The fingerprint of everything that was told.
    pub fn finish(self) -> FoldFingerprint {
        let hash: [u8; 32] = self.0.finalize().into();
        let (first, _) = hash.split_first_chunk().unwrap_or((&[0; 8], &[]));
        FoldFingerprint(u64::from_be_bytes(*first))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: &Value) -> FoldFingerprint {
        let mut trace = FoldTrace::new();
        trace.json(value);
        trace.finish()
    }

    #[test]
    fn values_that_differ_have_other_fingerprints_whatever_they_look_like_side_by_side() {
        let values = [
            json!(null),
            json!("null"),
            json!(1),
            json!("1"),
            json!([]),
            json!({}),
            json!([1, 2]),
            json!([[1], 2]),
            json!({"a": "b"}),
            json!(["a", "b"]),
            json!({"a": {"b": 1}}),
        ];
        for (at, one) in values.iter().enumerate() {
            assert!(values[at + 1..].iter().all(|other| of(other) != of(one)), "{one}");
        }
    }

    #[test]
    fn a_fingerprint_reads_as_it_is_written_and_nothing_else_does() {
        let fingerprint = of(&json!({"a": 1}));
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for text in ["", "1", "+123456789abcdef", "0123456789abcdefg", "not hexadecimal!"] {
            assert_eq!(text.parse::<FoldFingerprint>(), Err(InvalidFingerprint), "{text}");
        }
    }
}
