//! Reading what one wrote.

use axum::http::{HeaderMap, HeaderValue};
use kernel::{LaneToken, LogId, Sequence};

use super::{TWOFOLD_AFTER, from_headers, invalid, text};
use crate::Problem;

/// `Twofold-After: catalog/3=1042, orders/3=7`: what the answer must reflect at least. Empty where the header is
/// absent. Of several tokens of one log the furthest counts, so that clients may simply collect them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TwofoldAfter(Vec<LaneToken>);

impl TwofoldAfter {
    /// Most tokens in one request.
    pub const MOST: usize = 32;

    /// Reads the header.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut tokens: Vec<LaneToken> = Vec::new();
        for value in headers.get_all(TWOFOLD_AFTER) {
            let value = text(&TWOFOLD_AFTER, value)?;
            for token in value.split(',').map(str::trim).filter(|token| !token.is_empty()) {
                let token: LaneToken = token.parse().map_err(|_| {
                    invalid(&TWOFOLD_AFTER, "malformed", "must be a list of tokens like catalog/3=1042")
                })?;
                if let Some(known) = tokens.iter_mut().find(|known| known.log == token.log) {
                    known.sequence = known.sequence.max(token.sequence);
                } else if tokens.len() < Self::MOST {
                    tokens.push(token);
                } else {
                    return Err(invalid(&TWOFOLD_AFTER, "too-many", "names more than 32 logs"));
                }
            }
        }
        Ok(Self(tokens))
    }

    /// How far the answer must reflect this log.
    pub fn of(&self, log: &LogId) -> Option<Sequence> {
        self.0.iter().find(|token| token.log == *log).map(|token| token.sequence)
    }

    /// How far the answer must reflect this context, and in which lane the client believes it is.
    pub fn of_context(&self, context: &str) -> impl Iterator<Item = &LaneToken> {
        self.0.iter().filter(move |token| &*token.log.context == context)
    }

    /// All of it.
    pub fn tokens(&self) -> &[LaneToken] {
        &self.0
    }
}

from_headers!(TwofoldAfter);

/// The value of `Twofold-Sequence`.
pub fn sequence_value(token: &LaneToken) -> HeaderValue {
    // A context's name, a slash and digits: always visible ASCII.
    HeaderValue::try_from(token.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
