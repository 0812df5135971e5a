//! What a token allows.

use std::fmt;
use std::sync::Arc;

/// Scopes separated by spaces, as they stand in the token: `catalog:write catalog:read`.
#[derive(Clone, PartialEq, Eq)]
pub struct Scopes(Arc<str>);

impl Scopes {
    /// The scopes in this text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether `scope` is one of them, exactly.
    pub fn has(&self, scope: &str) -> bool {
        self.iter().any(|known| known == scope)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|scope| !scope.is_empty())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Scopes({})", self.0)
    }
}
