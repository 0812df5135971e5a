//! Repeating a command harmlessly.

use axum::http::HeaderMap;

use super::{IDEMPOTENCY_KEY, invalid, optional_from_headers, single};
use crate::Problem;

/// The client's name for a command: 1 to 255 visible ASCII characters, taken as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// The longest key, in characters.
    pub const LONGEST: usize = 255;

    /// Reads the header.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(key) = single(headers, &IDEMPOTENCY_KEY)? else { return Ok(None) };
        let well_formed =
            (1..=Self::LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !well_formed {
            return Err(invalid(&IDEMPOTENCY_KEY, "malformed", "must be 1 to 255 visible characters"));
        }
        Ok(Some(Self(key.into())))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

optional_from_headers!(IdempotencyKey);
