//! Cursors of lists: where the next page begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Problem, ProblemType};

/// The longest cursor that is looked at, in characters.
const LONGEST: usize = 4096;

/// An opaque text that holds the keys of the last item of a page.
///
/// A cursor is not a secret and not signed: it holds only what its reader has just seen, and decoding checks the
/// form. Positions of two orders may have the same form: let the position name its order and filters, and compare.
/// Invariant: a cursor never says whose data it is about; that is the token's business.
#[derive(Debug, Clone, Copy)]
pub struct Cursor;

impl Cursor {
    /// The text that [`Cursor::decode`] turns into `position` again. A position that JSON cannot hold is a mistake
    /// of the service.
    pub fn encode<T: Serialize>(position: &T) -> Result<String, Problem> {
        let json = serde_json::to_vec(position).map_err(Problem::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    /// The position in a text that a client sent; `invalid-cursor` when it is not one of ours.
    pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
        let invalid = || {
            Problem::new(ProblemType::InvalidCursor)
                .detail("`after` must be the `next` of an earlier page of the same list")
        };
        if text.len() > LONGEST {
            return Err(invalid());
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        serde_json::from_slice(&json).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests;
