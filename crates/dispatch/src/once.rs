//! What ties a once-only key to its command: a keyed hash of the command's name and body.
//!
//! Two bodies that say the same JSON hash alike, however they are spaced and ordered. The hash is keyed, so that
//! whoever sees the log's tables cannot find a body by trying; fields that are secrets are left out altogether.

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use sha2::Sha256;

/// Makes the hashes. Every command-service of an installation needs the same secret, and it must not change within
/// the time that keys are kept: a repeat would then look like another body.
#[derive(Clone)]
pub(crate) struct OnceHasher(Hmac<Sha256>);

impl fmt::Debug for OnceHasher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OnceHasher")
    }
}

impl OnceHasher {
    pub(crate) fn new(secret: &[u8]) -> Self {
        // HMAC takes keys of any length; the error exists for other algorithms of the trait.
        let mac = Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self(mac)
    }

    /// The hash of a command: `name` says which, `body` is well-formed JSON.
    pub(crate) fn hash(
        &self,
        name: &str,
        body: &[u8],
        secrets: &[&str],
    ) -> Result<[u8; 32], serde_json::Error> {
        let mut body: Json<'_> = serde_json::from_slice(body)?;
        if let Json::Object(fields) = &mut body {
            fields.retain(|(field, _)| !secrets.contains(&field.as_ref()));
        }
        let mut mac = self.0.clone();
        text(&mut mac, b'n', name);
        body.feed(&mut mac);
        Ok(mac.finalize().into_bytes().into())
    }
}

/// JSON, borrowed from the body where it can be.
enum Json<'a> {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    /// Every value goes in with what it is and how long it is, so that no two different values feed the same bytes.
    fn feed(&mut self, mac: &mut Hmac<Sha256>) {
        match self {
            Self::Null => mac.update(b"0"),
            Self::Bool(value) => mac.update(if *value { b"t" } else { b"f" }),
            Self::Signed(value) => number(mac, b'-', value.to_be_bytes()),
            Self::Unsigned(value) => number(mac, b'+', value.to_be_bytes()),
            Self::Float(value) => number(mac, b'.', value.to_bits().to_be_bytes()),
            Self::Text(value) => text(mac, b's', value),
            Self::Array(values) => {
                number(mac, b'[', (values.len() as u64).to_be_bytes());
                values.iter_mut().for_each(|value| value.feed(mac));
            }
            Self::Object(fields) => {
                fields.sort_by(|(one, _), (other, _)| one.cmp(other));
                number(mac, b'{', (fields.len() as u64).to_be_bytes());
                for (field, value) in fields {
                    text(mac, b'k', field);
                    value.feed(mac);
                }
            }
        }
    }
}

fn number(mac: &mut Hmac<Sha256>, kind: u8, bytes: [u8; 8]) {
    mac.update(&[kind]);
    mac.update(&bytes);
}

fn text(mac: &mut Hmac<Sha256>, kind: u8, text: &str) {
    number(mac, kind, (text.len() as u64).to_be_bytes());
    mac.update(text.as_bytes());
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Json::Signed(value), Json::Unsigned))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Unsigned(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Json::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element()? {
            array.push(value);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut object = Vec::new();
        while let Some((Name(field), value)) = fields.next_entry()? {
            object.push((field, value));
        }
        Ok(Json::Object(object))
    }
}

/// A field's name. `Cow` by itself would always copy.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a field's name")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests;
