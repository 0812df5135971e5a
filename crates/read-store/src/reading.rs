//! What a query reads.

use kernel::Sequence;

/// A row and what it reflects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRow {
    /// The row; none where the tenant has none with that key.
    pub row: Option<StampedRow>,
    /// Everything of the lane's log up to here is in the answer, the absence of a row included.
    pub reflects: Sequence,
    /// The row lacks events from here on: they are dead letters. None where it lacks nothing.
    pub parked: Option<Sequence>,
}

/// A row that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedRow {
    /// The last event folded into it: changes exactly when the row does, so it serves as an entity tag.
    pub stamp: Sequence,
    /// The JSON text of the view's row.
    pub body: String,
}

/// Why a query has no answer. Texts are for operators and hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store cannot be reached, was emptied, or has not caught up since: ask another store, or later.
    #[error("the read store is away: {0}")]
    Away(String),
    /// What the store holds cannot be read, or the statement is wrong.
    #[error("the read store's answer makes no sense: {0}")]
    Corrupt(String),
}

impl ReadError {
    /// Whether asking later can help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Corrupt(_) => false,
        }
    }
}
