//! What operators ask for what is parked in a lane, or for any of its rows, carried out by the lane's owner.
//!
//! ```text
//! nothing asked ──retry asked──► scanning the log, the lane goes on ──as far as the lane was──► merged or refused
//!      ▲                                    ▲                                   │                     │
//!      │                                    └──── the lane is far ahead ────────┘                     │
//!      └──────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Requests are marks in the store and stay there until they are carried out: a crash loses none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{LogId, TenantId};
use messaging::MessagingError;
use read_store::{
    Letter, LetterId, Request, RowAddress, RowChange, RowStore, StoreError, StoredRow, Subject,
};
use tokio::task::JoinHandle;

use crate::lane::{End, LaneTask, Place};
use crate::log_source::LogSource;
use crate::parked::Failure;
use crate::refold::{Refold, Refolded, Wanted};
use crate::telling::Telling;
use crate::view::AnyView;

/// How often a lane with letters looks what is asked for them.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a log that could not be read is left alone.
const PAUSE: Duration = Duration::from_secs(5);
/// Subjects that are folded again in one scan of the log.
const AT_ONCE: usize = 20_000;
/// How far the lane may be ahead of a scan for the rest to be folded while it waits.
const CLOSE: u64 = 1000;
/// Rows that are merged in one write.
const CHUNK: usize = 500;
/// Letters that are sent to their topic before any is marked as sent.
const TOLD_AT_ONCE: usize = 200;

type Scan = JoinHandle<Result<Refold, String>>;

/// What is being done for operators in a lane.
pub(crate) struct Tending {
    source: LogSource,
    log: LogId,
    view: AnyView,
    telling: Arc<Telling>,
    looked: Option<Instant>,
    /// When it was last looked what is asked, while nothing was parked.
    asked_for_rows: Option<Instant>,
    pause: Duration,
    asked: Vec<Subject>,
    scan: Option<Scan>,
    /// Letters on their way to their topic; the lane does not wait for Kafka.
    sending: Option<JoinHandle<Result<Vec<LetterId>, MessagingError>>>,
}

impl Tending {
    pub(crate) fn new(source: LogSource, log: LogId, view: AnyView, telling: Arc<Telling>) -> Self {
        Self {
            source,
            log,
            view,
            telling,
            looked: None,
            asked_for_rows: None,
            pause: LOOK_EVERY,
            asked: Vec::new(),
            scan: None,
            sending: None,
        }
    }

    fn scan(&mut self, mut refold: Refold, end: kernel::Sequence) {
        let (source, log) = (self.source.clone(), self.log.clone());
        self.scan = Some(tokio::spawn(async move {
            match refold.fold_to(end, &source, &log).await {
                Ok(()) => Ok(refold),
                Err(error) => Err(error.to_string()),
            }
        }));
    }
}

impl Drop for Tending {
    fn drop(&mut self) {
        if let Some(scan) = &self.scan {
            scan.abort();
        }
        if let Some(sending) = &self.sending {
            sending.abort();
        }
    }
}

impl<S: RowStore> LaneTask<S> {
    /// Looks what is asked, now and then and only while something is parked, and goes on with it.
    pub(crate) async fn tend(&mut self, place: &mut Place) -> Result<(), End> {
        if self.tending.looked.is_some_and(|looked| looked.elapsed() < self.tending.pause) {
            return Ok(());
        }
        self.tending.looked = Some(Instant::now());
        self.tending.pause = LOOK_EVERY;
        match self.carry_on(place).await {
            Ok(()) => Ok(()),
            Err(StoreError::Moved) => Err(End::Moved),
            Err(StoreError::Emptied(_)) => Err(End::Emptied),
            Err(error) => {
                // What is asked stays asked.
                tracing::warn!(view = self.view, lane = self.lane.number(), %error, "what is parked was not mended");
                self.tending.pause = PAUSE;
                Ok(())
            }
        }
    }

    async fn carry_on(&mut self, place: &Place) -> Result<(), StoreError> {
        if let Some(scan) = self.tending.scan.take_if(|scan| scan.is_finished()) {
            return match scan.await {
                Ok(Ok(refold)) => self.merge_or_scan_on(place, refold).await,
                Ok(Err(why)) => Err(StoreError::Unavailable(why)),
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            };
        }
        let parked = self.applying.parked().await?;
        self.meters.parked(parked);
        if parked > 0 {
            self.tell_others().await?;
        } else if self.tending.asked_for_rows.is_some_and(|asked| asked.elapsed() < S::LOOK_EVERY) {
            return Ok(());
        }
        self.tending.asked_for_rows = Some(Instant::now());
        if self.tending.scan.is_some() {
            return Ok(());
        }
        let mut wanted = Wanted::default();
        self.tending.asked.clear();
        for (subject, request) in self.store.requests(self.lane, AT_ONCE).await? {
            match request {
                Request::Discard { by, reason } => {
                    let at = &place.checkpoint;
                    self.store.discard(self.lane, at, &subject, &by, &reason).await?;
                    let (view, lane) = (self.view, self.lane.number());
                    tracing::warn!(view, lane, by, reason, "dead letters were discarded");
                    self.changed().await?;
                }
                Request::Retry { .. } => {
                    match &subject {
                        Subject::Row(at) => drop(wanted.rows.insert(at.clone())),
                        Subject::Stream { tenant, .. } => drop(wanted.tenants.insert(tenant.clone())),
                        Subject::Record { .. } => {}
                    }
                    self.tending.asked.push(subject);
                }
            }
        }
        if !self.tending.asked.is_empty() {
            self.tending.scan(Refold::of(self.tending.view.clone(), wanted), place.checkpoint.sequence);
        }
        Ok(())
    }

    /// Sends what was kept and not yet sent, some at a time.
    async fn tell_others(&mut self) -> Result<(), StoreError> {
        if let Some(sending) = self.tending.sending.take_if(|sending| sending.is_finished()) {
            match sending.await {
                Ok(Ok(told)) => self.store.told(self.lane, &told).await?,
                Ok(Err(error)) => tracing::debug!(%error, "dead letters could not be sent to their topic"),
                Err(error) => tracing::error!(%error, "sending dead letters to their topic failed"),
            }
        }
        if self.tending.sending.is_some() {
            return Ok(());
        }
        let letters = self.store.untold(self.lane, TOLD_AT_ONCE).await?;
        if !letters.is_empty() {
            let (telling, lane) = (Arc::clone(&self.tending.telling), self.lane);
            self.tending.sending = Some(tokio::spawn(async move {
                telling.tell(lane, &letters).await?;
                Ok(letters.iter().map(Letter::id).collect())
            }));
        }
        Ok(())
    }

    /// What is parked is not what it was.
    async fn changed(&mut self) -> Result<(), StoreError> {
        self.applying.forget();
        let parked = self.applying.parked().await?;
        self.meters.parked(parked);
        Ok(())
    }

    async fn merge_or_scan_on(&mut self, place: &Place, mut refold: Refold) -> Result<(), StoreError> {
        let here = place.checkpoint;
        if here.sequence.since(refold.through) > CLOSE {
            self.tending.scan(refold, here.sequence);
            return Ok(());
        }
        let Tending { source, log, .. } = &self.tending;
        let folded = refold.fold_to(here.sequence, source, log).await;
        folded.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        if refold.epoch != here.epoch || refold.chain != here.chain {
            let why = "the log's history is another than the rows were folded from".to_owned();
            return Err(StoreError::Unavailable(why));
        }
        let asked = std::mem::take(&mut self.tending.asked);
        let (rows, others): (Vec<Subject>, Vec<Subject>) =
            asked.into_iter().partition(|subject| matches!(subject, Subject::Row(_)));
        for some in rows.chunks(CHUNK) {
            self.merge_rows(place, some, &refold).await?;
        }
        for subject in others {
            let outcome = match &subject {
                Subject::Row(_) => None,
                Subject::Stream { tenant, .. } => self.merge_tenant(place, &subject, tenant, &refold).await?,
                Subject::Record { .. } => {
                    let one = std::slice::from_ref(&subject);
                    self.store.mend(self.lane, &here, &[], one).await?;
                    None
                }
            };
            if let Some(failure) = outcome {
                self.store.refuse(self.lane, &subject, &failure.why).await?;
            }
        }
        self.changed().await
    }

    /// Those that can be mended in one write; what keeps the others is noted.
    async fn merge_rows(
        &self,
        place: &Place,
        subjects: &[Subject],
        refold: &Refold,
    ) -> Result<(), StoreError> {
        let (mut wanted, mut refused) = (Vec::new(), Vec::new());
        for subject in subjects {
            let Subject::Row(at) = subject else { continue };
            let failed = refold.failed.get(&at.tenant);
            match failed.or_else(|| refold.rows.get(at).and_then(|row| row.failure.as_ref())) {
                Some(failure) => refused.push((subject, failure)),
                None => wanted.push((subject.clone(), at.clone())),
            }
        }
        let (mended, wanted): (Vec<Subject>, Vec<RowAddress>) = wanted.into_iter().unzip();
        let stored = self.store.load(self.lane, &wanted).await?;
        let stored: HashMap<&RowAddress, &StoredRow> = stored.iter().map(|row| (&row.at, row)).collect();
        let mut changes = Vec::with_capacity(wanted.len());
        for at in &wanted {
            let refolded = refold.rows.get(at).cloned().unwrap_or_default();
            changes.extend(change(&self.tending.view, at, &refolded, stored.get(at).copied())?);
        }
        self.store.mend(self.lane, &place.checkpoint, &changes, &mended).await?;
        for (subject, failure) in refused {
            self.store.refuse(self.lane, subject, &failure.why).await?;
        }
        Ok(())
    }

    /// Every row of the tenant, since any may have lacked the stream's events.
    async fn merge_tenant(
        &self,
        place: &Place,
        subject: &Subject,
        tenant: &TenantId,
        refold: &Refold,
    ) -> Result<Option<Failure>, StoreError> {
        if let Some(failure) = refold.failed.get(tenant) {
            return Ok(Some(failure.clone()));
        }
        let of_tenant = |at: &&RowAddress| at.tenant == *tenant;
        let mut rows: Vec<RowAddress> = refold.rows.keys().filter(of_tenant).cloned().collect();
        let mut from = None;
        loop {
            let (page, next) = self.store.addresses(self.lane, from).await?;
            rows.extend(page.iter().filter(of_tenant).filter(|at| !refold.rows.contains_key(at)).cloned());
            let Some(next) = next else { break };
            from = Some(next);
        }
        for chunk in rows.chunks(CHUNK) {
            let stored = self.store.load(self.lane, chunk).await?;
            let stored: HashMap<&RowAddress, &StoredRow> = stored.iter().map(|row| (&row.at, row)).collect();
            let mut changes = Vec::with_capacity(chunk.len());
            for at in chunk {
                let refolded = refold.rows.get(at).cloned().unwrap_or_default();
                match refolded.failure {
                    // Parked by itself, or about to be: another event's matter.
                    Some(_) if self.applying.has_row(at) => {}
                    Some(failure) => return Ok(Some(failure)),
                    None => {
                        changes.extend(change(&self.tending.view, at, &refolded, stored.get(at).copied())?)
                    }
                }
            }
            self.store.mend(self.lane, &place.checkpoint, &changes, &[]).await?;
        }
        self.store.mend(self.lane, &place.checkpoint, &[], std::slice::from_ref(subject)).await?;
        Ok(None)
    }
}

/// From the row that the store has to the row that the log has.
fn change(
    view: &AnyView,
    at: &RowAddress,
    refolded: &Refolded,
    stored: Option<&StoredRow>,
) -> Result<Option<RowChange>, StoreError> {
    if refolded.row.is_none() && stored.is_none() {
        return Ok(None);
    }
    let body = refolded.row.as_ref().map(|row| view.json(row)).transpose();
    let body = body.map_err(|error| StoreError::Unfoldable(format!("a row has no JSON: {error}")))?;
    // Links of a row that does not read are not known; what they find in vain is passed over.
    let before = stored.and_then(|stored| view.row(&stored.body).ok());
    let links_before = before.as_ref().map(|row| view.links(row)).unwrap_or_default();
    let links = refolded.links.clone();
    Ok(Some(RowChange { at: at.clone(), stamp: refolded.stamp, body, links, links_before }))
}
