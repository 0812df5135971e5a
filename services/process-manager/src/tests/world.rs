//! A database, a hotel, and as many managers as are wanted.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_api::AuthConfig;
use kernel::{
    Actor, ChainHash, Epoch, EventId, EventMetadata, Lane, Recorded, Sequence, StreamName, StreamVersion,
    TenantId, Timestamp, View as _,
};
use read_store::{Advance, Checkpoint, PostgresRows, RowAddress, RowChange, RowStore as _, ViewVersion};
use service_runtime::{CancellationToken, Health};
use test_servers::TestDatabase;
use uuid::Uuid;

use super::hotel::Hotel;
use super::toy::{CalledOff, Journey, JourneyEvent, Patience, Planned};
use crate::Work;
use crate::command_side::CommandSide;
use crate::engine::Engines;
use crate::inbox::{Inbox, SHAPE};
use crate::processes::Served;
use crate::store::{Inputs, Shown, Store};
use crate::sweeping;
use crate::tokens::{ProcessTokenConfig, Tokens};

pub(super) const LANE: Lane = Lane::new(0);
/// Short: what a manager that crashed had on its way is not waited for long.
const LEASE: Duration = Duration::from_secs(1);
/// How long something may take that others bring about, on a busy machine.
const LONG: Duration = Duration::from_secs(60);

pub(super) struct World {
    pub(super) database: TestDatabase,
    pub(super) store: Store,
    pub(super) rows: PostgresRows,
    pub(super) hotel: Hotel,
    pub(super) auth: AuthConfig,
    at: Checkpoint,
}

pub(super) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(super) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

impl World {
    pub(super) async fn new() -> Self {
        let mut world = Self::without_an_inbox().await;
        world.has_an_inbox().await;
        world
    }

    pub(super) async fn without_an_inbox() -> Self {
        let auth = AuthConfig::with_secret("a secret of at least thirty-two bytes".into());
        let database = TestDatabase::create().await;
        let hotel = Hotel::open(&auth).await;
        let store = Store::new(crate::store::pool(database.url(), 8).unwrap());
        store.prepare().await.unwrap();
        let pool = read_store::postgres_for_rows(database.url(), 4).unwrap();
        let rows = PostgresRows::new(pool, ViewVersion::of::<Inbox<Journey>>("journeys"), SHAPE);
        let at = Checkpoint::ZERO;
        Self { database, store, rows, hotel, auth, at }
    }

    /// What the lane runtime does before it brings the first event.
    pub(super) async fn has_an_inbox(&mut self) {
        self.rows.prepare().await.unwrap();
        (self.at, _) = self.rows.begin(LANE).await.unwrap();
    }

    /// A manager of its own connections that does its work, until it is told to stop or dropped.
    pub(super) fn manager(&self, patience: Patience) -> (Work, CancellationToken) {
        let health = Health::new();
        let served = served(patience);
        let url = format!("http://{}", self.hotel.address);
        let tokens = Tokens::new(&ProcessTokenConfig::default(), &self.auth).unwrap();
        let work = Work {
            store: Store::new(crate::store::pool(self.database.url(), 4).unwrap()),
            served: Arc::new(BTreeMap::from([("journey", served)])),
            side: Arc::new(CommandSide::new(reqwest::Client::builder(), &url, tokens).unwrap()),
            concurrency: 8,
            lease: LEASE,
            patience: sweeping::Patience { stuck_after: LONG * 60, retention: LONG * 60 },
            database: health.dependency("processes"),
            commands: health.optional("command-service"),
        };
        (work, CancellationToken::new())
    }

    /// This happens to a tenant's journey; it arrives in the inbox as the lane runtime brings it there.
    pub(super) async fn happens(&mut self, whose: &str, journey: Uuid, event: JourneyEvent) {
        self.happen(whose, [(journey, event)]).await;
    }

    pub(super) async fn happen(
        &mut self,
        whose: &str,
        events: impl IntoIterator<Item = (Uuid, JourneyEvent)>,
    ) {
        let (mut changes, mut to) = (Vec::new(), self.at);
        for (journey, event) in events {
            let sequence = to.sequence.next();
            to = Checkpoint { sequence, epoch: Some(Epoch(id(1))), chain: ChainHash::GENESIS, ..to };
            changes.extend(changes_by(&recorded(whose, journey, sequence, event)));
        }
        let advance = Advance { from: self.at, to };
        self.rows.write(LANE, &advance, &changes, &[]).await.unwrap();
        self.at = to;
    }

    pub(super) async fn planned(&mut self, whose: &str, journey: Uuid, cities: &[&str]) {
        self.happens(whose, journey, planned(cities)).await;
    }

    pub(super) async fn show(&self, whose: &str, journey: Uuid) -> Option<Shown> {
        self.store.show("journey", &tenant(whose), journey).await.unwrap()
    }

    /// The journey's state, once it is one of these.
    pub(super) async fn state(&self, whose: &str, journey: Uuid) -> String {
        let shown = self.show(whose, journey).await;
        let Some(shown) = shown else { return "none".to_owned() };
        if let Some(stuck) = shown.listed.stuck {
            return format!("stuck: {stuck}");
        }
        let state = &shown.kept["state"];
        match state.as_str() {
            Some(name) => name.to_owned(),
            None => state.as_object().unwrap().keys().next().unwrap().clone(),
        }
    }
}

pub(super) fn served(patience: Patience) -> Served {
    Served {
        engine: Arc::new(Engines::<Journey>::new("journeys", patience)),
        inputs: Arc::new(Inputs::of("journey")),
    }
}

pub(super) fn planned(cities: &[&str]) -> JourneyEvent {
    JourneyEvent::Planned(Planned { cities: cities.iter().map(|city| (*city).to_owned()).collect() })
}

pub(super) fn called_off() -> JourneyEvent {
    JourneyEvent::CalledOff(CalledOff {})
}

/// The correlation id is the sequence's, plus 1000.
pub(super) fn recorded(
    whose: &str,
    journey: Uuid,
    sequence: Sequence,
    event: JourneyEvent,
) -> Recorded<JourneyEvent> {
    let number = u128::from(sequence.number());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    Recorded {
        id: EventId(id(number)),
        tenant: tenant(whose),
        lane: LANE,
        sequence,
        stream: StreamName::of("journey", journey),
        version: StreamVersion::new(1),
        recorded_at: Timestamp::from_micros(now_micros()),
        metadata: EventMetadata {
            traceparent: Some(trace.into()),
            ..EventMetadata::from_outside(id(1000 + number), Actor::new("tester"))
        },
        event,
    }
}

fn now_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

pub(super) fn changes_by(event: &Recorded<JourneyEvent>) -> Vec<RowChange> {
    let kernel::Keys::These(keys) = Inbox::<Journey>::keys(event) else { return Vec::new() };
    let change = |key: kernel::RowKey| RowChange {
        at: RowAddress { tenant: event.tenant.clone(), key: key.clone() },
        stamp: event.sequence,
        body: Inbox::<Journey>::evolve(&key, None, event)
            .unwrap()
            .map(|row| serde_json::to_string(&row).unwrap()),
        links: Vec::new(),
        links_before: Vec::new(),
    };
    keys.into_iter().map(change).collect()
}

/// Looks until it is so.
pub(super) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let look = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, look).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Polls a future so many times, and drops it if it has not ended by then: a crash at that point.
pub(super) struct CrashAfter<F> {
    future: Pin<Box<F>>,
    polls: u32,
    polled: u32,
}

impl<F> CrashAfter<F> {
    /// How often it was polled.
    pub(super) fn polled(&self) -> u32 {
        self.polled
    }
}

pub(super) fn crash_after<F: Future>(polls: u32, future: F) -> CrashAfter<F> {
    CrashAfter { future: Box::pin(future), polls, polled: 0 }
}

impl<F: Future> Future for CrashAfter<F> {
    type Output = bool;

    /// Whether it crashed.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if self.polls == 0 {
            return Poll::Ready(true);
        }
        self.polls -= 1;
        self.polled += 1;
        let polled = self.future.as_mut().poll(context).map(|_| false);
        if polled.is_pending() && self.polls == 0 { Poll::Ready(true) } else { polled }
    }
}
