//! A command in the queue, and the way back to its caller.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use kernel::{Epoch, EventDigest, LogId, Sequence, StreamFamily, StreamVersion, TenantId, Timestamp};
use tokio::sync::oneshot;

use super::statement::Answer;
use crate::append::NetClaim;
use crate::{Append, AppendError, Receipt};

/// A command with everything that can be computed before its turn comes.
pub(crate) struct Command {
    pub(crate) append: Append,
    pub(crate) tenant_id: i32,
    pub(crate) digests: Vec<EventDigest>,
    pub(crate) claims: Vec<NetClaim>,
    pub(crate) touches: Touches,
    pub(crate) weight: usize,
    /// When it was queued, where spans are made.
    pub(super) queued: Option<Instant>,
    caller: oneshot::Sender<Result<Outcome, AppendError>>,
}

/// What a command came to.
pub(crate) enum Outcome {
    /// It is recorded.
    Won(Box<Receipt>),
    /// It is not, or was before; the append comes back.
    Lost(Box<Append>, Loss),
}

/// Why a command lost. Indices are into its own guards and claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Its once-only key was used.
    KeyUsed,
    /// It is itself recorded already; its first event is here.
    Recorded(Sequence),
    /// A guard does not hold; the stream is at this version.
    Stale(usize, StreamVersion),
    /// The claim made by this change is taken.
    ClaimTaken(usize),
    /// Rows that it changes were written by somebody else since they were read.
    RowsMoved,
}

/// What a command reads and changes, as hashes: a false collision only costs it a round.
pub(crate) struct Touches {
    pub(crate) writes: Vec<u64>,
    pub(crate) reads: Vec<u64>,
}

impl Command {
    pub(crate) fn new(
        append: Append,
        tenant: &TenantId,
        tenant_id: i32,
    ) -> (Self, oneshot::Receiver<Result<Outcome, AppendError>>) {
        let (caller, outcome) = oneshot::channel();
        let digests = append.events.iter().map(|event| EventDigest::of(tenant, event)).collect();
        let claims = append.net_claims();
        let touches = Touches::of(&append, &claims, tenant_id);
        let weight = append.weight();
        let queued = traces::are_recorded().then(Instant::now);
        (Self { append, tenant_id, digests, claims, touches, weight, queued, caller }, outcome)
    }

    /// A caller that has gone away is not missed: its command was carried out all the same.
    pub(super) fn answer(self, outcome: Result<Outcome, AppendError>) {
        let _ = self.caller.send(outcome);
    }

    pub(super) fn lost(self, loss: Loss) {
        let _ = self.caller.send(Ok(Outcome::Lost(Box::new(self.append), loss)));
    }

    /// The trace that it belongs to.
    pub(super) fn traceparent(&self) -> Option<&str> {
        self.append.events.first()?.metadata.traceparent.as_deref()
    }

    pub(super) fn won(self, log: &LogId, answer: &Answer, sequence: Sequence) {
        let place = (sequence, answer.epoch, answer.head.recorded_at);
        let receipt = receipt(log, &self.append, place);
        let _ = self.caller.send(Ok(Outcome::Won(Box::new(receipt))));
    }
}

/// The receipt of an append whose last event has this place.
pub(crate) fn receipt(log: &LogId, append: &Append, place: (Sequence, Epoch, Timestamp)) -> Receipt {
    let (sequence, epoch, recorded_at) = place;
    let before = append.version_before();
    Receipt {
        log: log.clone(),
        epoch,
        stream: append.stream.clone(),
        version: before.plus(append.events.len() as u64),
        sequence,
        recorded_at,
        events: append.events.iter().map(|event| (event.id, event.event_type.clone())).collect(),
        began_stream: before == StreamVersion::ZERO && !append.events.is_empty(),
    }
}

impl Touches {
    fn of(append: &Append, claims: &[NetClaim], tenant_id: i32) -> Self {
        let hashed = |kind: u8, first: &str, second: &str| {
            let mut hasher = DefaultHasher::new();
            (kind, tenant_id, first, second).hash(&mut hasher);
            hasher.finish()
        };
        let stream = |name: &kernel::StreamName| hashed(0, name.as_str(), "");
        let writes_stream = !append.events.is_empty();
        let mut writes = Vec::with_capacity(2 + claims.len());
        let mut reads = Vec::with_capacity(append.guards.len());
        if writes_stream {
            writes.push(stream(&append.stream));
            // Those that write streams of one family do not meet; who reads the family meets all of them.
            reads.extend(StreamFamily::holding(&append.stream).map(|family| hashed(3, family.as_str(), "")));
        }
        writes.extend(claims.iter().map(|claim| {
            let (set, value) = append.claims[claim.named_at].claim();
            hashed(1, set, value)
        }));
        writes.extend(
            append.beside.rows.iter().map(|row| hashed(3, row.key.as_str(), &row.view.0.to_string())),
        );
        writes.extend(append.once.iter().map(|once| hashed(2, &once.key, "")));
        for guard in &append.guards {
            if let Some(family) = StreamFamily::named(&guard.stream) {
                writes.push(hashed(3, family.as_str(), ""));
            } else if !writes_stream || guard.stream != append.stream {
                reads.push(stream(&guard.stream));
            }
        }
        Self { writes, reads }
    }
}
