//! Why a lane does not go on.

use std::fmt;

use kernel::{Epoch, Sequence};

/// Where a record was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordAt {
    /// On the topic.
    Offset(i64),
    /// In the log.
    Sequence(Sequence),
}

impl fmt::Display for RecordAt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write!(out, "offset {offset}"),
            Self::Sequence(sequence) => write!(out, "sequence {sequence} of the log"),
        }
    }
}

/// What stopped a lane. Its text is shown to operators: it holds no payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// Events are missing.
    #[error(
        "sequence {expected} is missing: the next record, at offset {offset}, is {found}. What is missing is fetched \
         from the log, and nothing after it is applied before"
    )]
    Hole {
        /// What should come.
        expected: Sequence,
        /// What came.
        found: Sequence,
        /// Where it is.
        offset: i64,
    },
    /// Published events are not on the topic.
    #[error(
        "sequence {expected} is missing: the topic ends before it, and was published through {published}. What is \
         missing is fetched from the log"
    )]
    LostTail {
        /// What should come.
        expected: Sequence,
        /// Up to where the topic had acknowledged the log.
        published: Sequence,
    },
    /// What is missing is not in the log either.
    #[error(
        "sequence {published} has been published, and the log ends at {log}: the log was restored from a backup or \
         replaced. Bring the right log back; where the shorter one is to stand, give it a new epoch, delete the topic \
         (the relay makes it anew) and rebuild the view from the beginning"
    )]
    NotInLog {
        /// What is missing on the topic.
        published: Sequence,
        /// Where the log ends.
        log: Sequence,
    },
    /// The rows reflect more than the log has.
    #[error(
        "the rows reflect sequence {rows}, and the log ends at {log}: the log was restored from a backup or replaced. \
         Bring the log back that the rows were folded from; where the shorter one is to stand, give it a new epoch, \
         delete the topic (the relay makes it anew) and rebuild the view from the beginning"
    )]
    AheadOfLog {
        /// Where the rows are.
        rows: Sequence,
        /// Where the log ends.
        log: Sequence,
    },
    /// The log tells of something else where the rows are.
    #[error(
        "the log has another event at sequence {sequence} than the rows reflect: the log was restored or replaced, or \
         the topic belongs to another installation. Bring the right log or topic back, or rebuild the view from \
         the beginning"
    )]
    OtherHistory {
        /// Where the rows are.
        sequence: Sequence,
    },
    /// The log's history is another one than the rows were folded from.
    #[error(
        "the {of}'s history is of epoch {found}, the rows were folded from {expected}: the log was restored or \
         replaced. Rebuild the view from the beginning, or bring the right log back"
    )]
    OtherEpoch {
        /// Whose history was looked at: the topic's or the log's.
        of: &'static str,
        /// What the rows were folded from.
        expected: Epoch,
        /// What the record says.
        found: Epoch,
    },
    /// A record does not follow from the one before it.
    #[error(
        "the record of sequence {sequence}, at {at}, does not follow in the hash chain: history was changed, the \
         record damaged, or another registry explains its schema. Run `twofold verify log`, and rebuild the view \
         where the log is whole"
    )]
    BrokenChain {
        /// Which record.
        sequence: Sequence,
        /// Where it is.
        at: RecordAt,
    },
    /// A record cannot be applied.
    #[error("the record at {at} cannot be applied: {why}")]
    Inapplicable {
        /// Where it is.
        at: RecordAt,
        /// Why.
        why: String,
    },
    /// So much is parked that the program is to blame, not the records.
    #[error(
        "the record at {at} cannot be applied, and {parked} rows and streams are parked already: this is \
         no matter of single records. Mend the program, or the store, and retry them: {why}"
    )]
    TooMuchParked {
        /// Where it is.
        at: RecordAt,
        /// How many are parked.
        parked: usize,
        /// Why it cannot be.
        why: String,
    },
    /// The fold itself went wrong.
    #[error("applying records panicked after sequence {after}: a fault of the program")]
    Panicked {
        /// What was applied last.
        after: Sequence,
    },
}
