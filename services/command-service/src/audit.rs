//! Who asked for what, beside what the log knows: commands that were refused, and, where that is wanted, where those came
//! from that were not.
//!
//! ```text
//! answered ─► noted, if there is room ─► gathered for a moment ─► written, some hundred at a time ─► kept for so many days
//! ```
//!
//! No command waits for it: what is noted is in memory until it is written, about a fifth of a second. A process that is
//! killed loses that much. While the log's database is away, a bounded number of entries wait; those beyond it are
//! given up, and the audit says how many, when it is back. Commands that were carried out are in the log whatever
//! happens here.

mod listing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dispatch::{Answer, CommandEntry, Dispatcher};
use event_log::{AuditEntry, AuditOutcome, EventLog};
use http_api::{Caller, Problem, ProblemType};
use kernel::Timestamp;
use metrics::counter;
use service_runtime::{Backoff, CancellationToken, Peer};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;

use crate::config::AuditConfig;
use crate::telemetry;
pub(crate) use listing::{describe, router};

/// Entries that wait to be written; some 300 bytes each.
const WAITING_MOST: usize = 10_000;
/// Entries that are written in one transaction.
const BATCH: usize = 500;
/// How long entries are gathered.
const GATHERED_FOR: Duration = Duration::from_millis(200);
/// How often an entry says where the logs stand.
const ANCHORED_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked for entries whose time is over.
const REMOVED_EVERY: Duration = Duration::from_secs(60);
/// Tries of what is left when the service ends.
const LAST_TRIES: u32 = 3;

/// Takes notes. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    notes: mpsc::Sender<AuditEntry>,
    unrecorded: Arc<AtomicU64>,
    accepted: bool,
}

/// Writes them down.
#[derive(Debug)]
pub(crate) struct AuditWriter {
    pub(crate) log: EventLog,
    notes: mpsc::Receiver<AuditEntry>,
    unrecorded: Arc<AtomicU64>,
    retention: Duration,
    open: Arc<AtomicBool>,
}

/// A command that somebody sends.
pub(crate) struct Attempt<'a> {
    pub(crate) caller: Caller,
    pub(crate) command: &'a CommandEntry,
    pub(crate) peer: Option<Peer>,
    pub(crate) correlation_id: Option<Uuid>,
    /// Its body, once it was read.
    pub(crate) body: Option<bytes::Bytes>,
}

/// What takes notes, and what writes them down.
pub(crate) fn audit(log: &EventLog, config: &AuditConfig, open: Arc<AtomicBool>) -> (Audit, AuditWriter) {
    let (sender, notes) = mpsc::channel(WAITING_MOST);
    let unrecorded = Arc::new(AtomicU64::new(0));
    let audit = Audit { notes: sender, unrecorded: Arc::clone(&unrecorded), accepted: config.audit_accepted };
    let retention = Duration::from_secs(24 * 3600 * u64::from(config.audit_retention_days));
    (audit, AuditWriter { log: log.clone(), notes, unrecorded, retention, open })
}

impl Audit {
    /// A command was carried out. The log knows all of it but where it came from.
    pub(crate) fn accepted(&self, attempt: &Attempt<'_>, answer: &Answer) {
        // A repeat did nothing, and its first answer was noted.
        if !self.accepted || answer.replayed || answer.receipt.events.is_empty() {
            return;
        }
        let receipt = &answer.receipt;
        self.note(AuditEntry {
            stream: Some(receipt.stream.clone()),
            place: Some((receipt.log.clone(), receipt.sequence)),
            ..attempt.entry(AuditOutcome::Accepted)
        });
    }

    /// A command was not carried out. What was nobody's decision is no entry: the service was busy, or the log away.
    pub(crate) fn refused(&self, attempt: &Attempt<'_>, dispatcher: &Dispatcher, problem: &Problem) {
        let kind = problem.kind();
        let outcome = match kind {
            ProblemType::MissingScope => AuditOutcome::Forbidden,
            _ if kind.status().is_client_error() => AuditOutcome::Refused,
            _ => return,
        };
        let named = |body| dispatcher.stream_named_by(attempt.command, body);
        self.note(AuditEntry {
            stream: attempt.body.as_ref().and_then(|body| named(body)),
            code: Some(problem.named_code().unwrap_or(kind.slug()).to_owned()),
            ..attempt.entry(outcome)
        });
    }

    fn note(&self, entry: AuditEntry) {
        if self.notes.try_send(entry).is_err() {
            self.unrecorded.fetch_add(1, Ordering::Relaxed);
            counter!(telemetry::AUDIT_UNRECORDED).increment(1);
        }
    }
}

impl Attempt<'_> {
    fn entry(&self, outcome: AuditOutcome) -> AuditEntry {
        AuditEntry {
            id: Uuid::now_v7(),
            at: now(),
            tenant: Some(self.caller.tenant.clone()),
            actor: Some(self.caller.actor.clone()),
            address: self.peer.map(|Peer(address)| address.ip().to_canonical().to_string()),
            command: Some(self.command.full_name().to_owned()),
            stream: None,
            outcome,
            code: None,
            correlation_id: self.correlation_id,
            place: None,
        }
    }
}

impl AuditWriter {
    /// Writes until it is told to stop, and then what is left.
    pub(crate) async fn run(mut self, token: CancellationToken) -> anyhow::Result<()> {
        let (mut batch, mut anchored, mut removed) = (Vec::with_capacity(BATCH), None, None);
        while !token.is_cancelled() {
            tokio::select! {
                () = token.cancelled() => break,
                () = tokio::time::sleep(GATHERED_FOR) => {}
            }
            if !self.open.load(Ordering::Relaxed) {
                continue;
            }
            while self.gather(&mut batch) {
                if self.write(&mut batch, &mut anchored, &token).await.is_err() {
                    break;
                }
            }
            let now = Instant::now();
            if removed.is_none_or(|removed| now - removed > REMOVED_EVERY) {
                self.remove().await;
                removed = Some(now);
            }
        }
        self.write_the_rest(batch).await;
        Ok(())
    }

    /// Takes what waits, up to a batch of it. What could not be noted is told before it.
    fn gather(&mut self, batch: &mut Vec<AuditEntry>) -> bool {
        let lost = self.unrecorded.swap(0, Ordering::Relaxed);
        if lost > 0 {
            batch.push(unrecorded(lost));
        }
        while batch.len() < BATCH {
            match self.notes.try_recv() {
                Ok(entry) => batch.push(entry),
                Err(_) => break,
            }
        }
        !batch.is_empty()
    }

    /// Tries until it is written, or the service is told to stop.
    async fn write(
        &self,
        batch: &mut Vec<AuditEntry>,
        anchored: &mut Option<Instant>,
        token: &CancellationToken,
    ) -> Result<(), ()> {
        let (mut backoff, mut told) = (Backoff::default(), false);
        let is_anchor = anchored.is_none_or(|anchored| anchored.elapsed() > ANCHORED_EVERY);
        while let Err(error) = self.log.write_audit(batch, is_anchor).await {
            if !told {
                warn!(%error, entries = batch.len(), "the audit cannot be written; its entries wait");
                told = true;
            }
            token.run_until_cancelled(tokio::time::sleep(backoff.next_delay())).await.ok_or(())?;
        }
        if is_anchor {
            *anchored = Some(Instant::now());
        }
        count(batch);
        batch.clear();
        Ok(())
    }

    async fn write_the_rest(&mut self, mut batch: Vec<AuditEntry>) {
        let mut tries = 0;
        while self.gather(&mut batch) && tries < LAST_TRIES {
            match self.log.write_audit(&batch, false).await {
                Ok(()) => {
                    count(&batch);
                    batch.clear();
                }
                Err(_) => tries += 1,
            }
        }
        if !batch.is_empty() {
            let lost = batch.len() + self.notes.len();
            counter!(telemetry::AUDIT_UNRECORDED).increment(lost as u64);
            warn!(entries = lost, "the service ends, and the audit lacks entries");
        }
    }

    /// One that is away is told of by those who wait for it.
    async fn remove(&self) {
        let retention = i64::try_from(self.retention.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp::from_micros(now().micros().saturating_sub(retention));
        match self.log.remove_audit_before(before).await {
            Ok(0) => {}
            Ok(entries) => info!(entries, "audit entries were removed after their time"),
            Err(error) => warn!(%error, "audit entries whose time is over were not removed"),
        }
    }
}

fn unrecorded(count: u64) -> AuditEntry {
    AuditEntry {
        id: Uuid::now_v7(),
        at: now(),
        tenant: None,
        actor: None,
        address: None,
        command: None,
        stream: None,
        outcome: AuditOutcome::Unrecorded,
        code: Some(count.to_string()),
        correlation_id: None,
        place: None,
    }
}

fn count(batch: &[AuditEntry]) {
    for outcome in [AuditOutcome::Accepted, AuditOutcome::Refused, AuditOutcome::Forbidden] {
        let written = batch.iter().filter(|entry| entry.outcome == outcome).count();
        if written > 0 {
            counter!(telemetry::AUDIT_ENTRIES, "outcome" => outcome.as_str()).increment(written as u64);
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
