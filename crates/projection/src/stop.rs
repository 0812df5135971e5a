//! Why a lane does not go on.

use kernel::{Epoch, Sequence};

/// What stopped a lane. Its text is shown to operators: it holds no payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// Events are missing.
    #[error(
        "sequence {expected} is missing: the next record, at offset {offset}, is {found}. Nothing after it is \
         applied until it is found on the topic"
    )]
    Hole {
        /// What should come.
        expected: Sequence,
        /// What came.
        found: Sequence,
        /// Where it is.
        offset: i64,
    },
    /// The log's history is another one than the rows were folded from.
    #[error(
        "the topic's history is of epoch {found}, the rows were folded from {expected}: the log was restored or \
         replaced. Rebuild the view from the beginning, or bring the right log back"
    )]
    OtherEpoch {
        /// What the rows were folded from.
        expected: Epoch,
        /// What the record says.
        found: Epoch,
    },
    /// A record does not follow from the one before it.
    #[error(
        "the record of sequence {sequence} at offset {offset} does not follow in the hash chain: history was changed, \
         or the record damaged. Run `twofold verify log`, and rebuild the view where the log is whole"
    )]
    BrokenChain {
        /// Which record.
        sequence: Sequence,
        /// Where it is.
        offset: i64,
    },
    /// A record cannot be applied.
    #[error("the record at offset {offset} cannot be applied: {why}")]
    Inapplicable {
        /// Where it is.
        offset: i64,
        /// Why.
        why: String,
    },
    /// The fold itself went wrong.
    #[error("applying records panicked after sequence {after}: a fault of the program")]
    Panicked {
        /// What was applied last.
        after: Sequence,
    },
}
