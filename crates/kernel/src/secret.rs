//! Texts that nobody may see.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// A text that leaves no trace: it cannot be printed, written down or compared with by strangers. Whoever needs it
/// says so with [`Secret::expose`].
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, transparent, extend("format" = "password", "writeOnly" = true))]
pub struct Secret(String);

impl Secret {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text, for whoever hashes or checks it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret::new("correct horse"))), "Some(Secret)");
    }
}
