//! What is parked in a lane, and what becomes a letter.

use std::collections::HashSet;

use kernel::{Lane, StreamName, TenantId, Timestamp};
use messaging::IncomingRecord;
use read_store::{DeadRecord, HeaderValue, Letter, Reason, RowAddress, Subject};

use crate::view::AnyEvent;

/// Subjects that may be parked in a lane, at about 150 bytes of memory each. Where more would be, it is not records
/// that are wrong but the program: the lane stops.
pub(crate) const PARKED_MOST: usize = 50_000;
/// Most characters of what a letter says of a failure.
const LONGEST_WHY: usize = 500;

/// The rows and streams of a lane that have letters. Only the lane's owner adds to them and takes from them, so that
/// it knows them without asking the store.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    rows: HashSet<RowAddress>,
    streams: HashSet<(TenantId, StreamName)>,
    records: usize,
}

impl Parked {
    pub(crate) fn len(&self) -> usize {
        self.rows.len() + self.streams.len() + self.records
    }

    pub(crate) fn has_row(&self, at: &RowAddress) -> bool {
        self.rows.contains(at)
    }

    /// Whether the row may lack events: its own letters say so, or a stream of its tenant whose rows are not known.
    pub(crate) fn lacks_events(&self, at: &RowAddress) -> bool {
        self.rows.contains(at) || self.streams.iter().any(|(tenant, _)| *tenant == at.tenant)
    }

    pub(crate) fn has_stream_of(&self, event: &AnyEvent) -> bool {
        !self.streams.is_empty() && self.streams.contains(&(event.tenant().clone(), event.stream().clone()))
    }

    pub(crate) fn add(&mut self, subject: Subject) {
        match subject {
            Subject::Row(at) => {
                self.rows.insert(at);
            }
            Subject::Stream { tenant, stream } => {
                self.streams.insert((tenant, stream));
            }
            Subject::Record { .. } => self.records += 1,
        }
    }
}

impl FromIterator<Subject> for Parked {
    fn from_iter<I: IntoIterator<Item = Subject>>(subjects: I) -> Self {
        let mut parked = Self::default();
        subjects.into_iter().for_each(|subject| parked.add(subject));
        parked
    }
}

/// An event that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    /// For operators: no payload and no personal data.
    pub(crate) why: String,
}

impl Failure {
    pub(crate) fn new(reason: Reason, why: impl Into<String>) -> Self {
        Self { reason, why: why.into() }
    }

    pub(crate) fn panicked() -> Self {
        Self::new(Reason::Panicked, "the fold panicked: a fault of the program")
    }

    pub(crate) fn behind() -> Self {
        Self::new(Reason::Behind, "an event before it is a dead letter")
    }
}

/// The letter of a record.
pub(crate) fn letter(
    lane: Lane,
    subject: Subject,
    sequence: kernel::Sequence,
    failure: Failure,
    record: &IncomingRecord,
    attempts: u32,
) -> Letter {
    let Failure { reason, why } = failure;
    Letter {
        lane,
        subject,
        sequence,
        reason,
        why: why.chars().take(LONGEST_WHY).collect(),
        record: DeadRecord {
            offset: record.offset,
            key: record.key.as_ref().map(|key| key.to_vec()),
            value: record.value.as_ref().map(|value| value.to_vec()),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| (name.to_owned(), HeaderValue(value.to_vec())))
                .collect(),
        },
        attempts: if reason == Reason::Behind { 0 } else { attempts },
        parked_at: Timestamp::from_micros(crate::standing::now_micros()),
    }
}
