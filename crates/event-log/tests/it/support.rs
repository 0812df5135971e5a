//! What the tests share: a log on a database of its own, and appends in a few words.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event_log::{Append, AppendError, Beside, ClaimChange, EventLog, Guard, OnceKey, Options, Receipt};
use futures::future::join_all;
use kernel::{
    Actor, EventId, EventMetadata, LogId, LoggedEvent, NewEvent, SchemaFingerprint, Sequence, StreamName,
    StreamVersion, TenantId,
};
use sqlx::{Connection, PgConnection, PgPool};
use test_servers::TestDatabase;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub(crate) const CONTEXT: &str = "catalog";
const PATIENCE: Duration = Duration::from_secs(30);

/// A log on an empty database of its own.
pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) pool: PgPool,
    pub(crate) log: EventLog,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let database = TestDatabase::create().await;
        let pool = event_log::pool(database.url().parse().unwrap(), 8);
        EventLog::migrate(&pool).await.unwrap();
        let log = EventLog::new(pool.clone(), options);
        Self { database, pool, log }
    }

    /// Another service on the same database.
    pub(crate) fn another(&self, options: Options) -> EventLog {
        EventLog::new(self.another_pool(8), options)
    }

    pub(crate) fn another_pool(&self, connections_max: u32) -> PgPool {
        event_log::pool(self.database.url().parse().unwrap(), connections_max)
    }

    /// A connection of somebody who is not a service.
    pub(crate) async fn stranger(&self) -> PgConnection {
        PgConnection::connect(self.database.url()).await.unwrap()
    }

    pub(crate) async fn append(&self, tenant: &TenantId, append: Append) -> Result<Receipt, AppendError> {
        self.log.append(CONTEXT, tenant, append).await
    }

    pub(crate) async fn log_of(&self, tenant: &TenantId) -> LogId {
        LogId::new(CONTEXT, self.log.lane_of(tenant).await.unwrap())
    }

    pub(crate) async fn events(&self, log: &LogId) -> Vec<LoggedEvent> {
        self.log.read_log(log, Sequence::ZERO, 10_000).await.unwrap()
    }

    /// Appends of one log that are gathered while a batch is in flight, in this order, and so go together.
    pub(crate) async fn together(
        &self,
        log: &LogId,
        appends: Vec<(&TenantId, Append)>,
    ) -> Vec<Result<Receipt, AppendError>> {
        let (tenant, _) = appends.first().unwrap();
        let held = self.hold_head(log).await;
        let mut first = Box::pin(self.append(tenant, recording(&some_stream("first"), 0, 1)));
        assert!(futures::poll!(&mut first).is_pending());
        eventually("a batch waits for the head", || self.waiting_for_the_head()).await;
        let mut rest =
            Box::pin(join_all(appends.into_iter().map(|(tenant, append)| self.append(tenant, append))));
        assert!(futures::poll!(&mut rest).is_pending());
        held.commit().await;
        first.await.unwrap();
        rest.await
    }

    /// Locks the head of a log as a client of its own; begins the log if need be.
    pub(crate) async fn hold_head(&self, log: &LogId) -> HeldHead {
        let tenant = self.tenant_in(log).await;
        // Nothing is recorded by it, but names are known afterwards, so that later calls queue at their first poll.
        let nothing = recording(&some_stream("nothing"), 0, 0);
        self.log.append(&log.context, &tenant, nothing).await.unwrap();
        let mut connection = self.stranger().await;
        sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
        let locked = sqlx::query("SELECT FROM logs WHERE context = $1 AND lane = $2 FOR UPDATE")
            .bind(&*log.context)
            .bind(i32::from(log.lane.number()))
            .execute(&mut connection)
            .await
            .unwrap();
        assert_eq!(locked.rows_affected(), 1);
        HeldHead { connection }
    }

    async fn tenant_in(&self, log: &LogId) -> TenantId {
        let name: String = sqlx::query_scalar("SELECT tenant FROM tenants WHERE lane = $1 LIMIT 1")
            .bind(i32::from(log.lane.number()))
            .fetch_one(&self.pool)
            .await
            .unwrap();
        TenantId::new(name).unwrap()
    }

    pub(crate) async fn waiting_for_the_head(&self) -> bool {
        !self.backends_waiting_for_the_head().await.is_empty()
    }

    pub(crate) async fn backends_waiting_for_the_head(&self) -> Vec<i32> {
        sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%append_batch%'",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

/// A client that holds the head of a log.
pub(crate) struct HeldHead {
    pub(crate) connection: PgConnection,
}

impl HeldHead {
    pub(crate) async fn commit(mut self) {
        sqlx::query("COMMIT").execute(&mut self.connection).await.unwrap();
    }
}

/// Waits until a condition holds; fails the test when it does not within half a minute.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "never happened: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Waits for something; fails the test when it does not come within half a minute.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// Two tenants that share a lane, so that only their names keep them apart.
pub(crate) fn neighbours() -> (TenantId, TenantId) {
    let mine = tenant("acme");
    let lane = kernel::Lane::for_new_tenant(&mine, 12);
    let mut names = (0..).map(|number| tenant(&format!("rival-{number}")));
    let theirs = names.find(|name| kernel::Lane::for_new_tenant(name, 12) == lane).unwrap();
    (mine, theirs)
}

pub(crate) fn some_stream(kind: &'static str) -> StreamName {
    StreamName::of(kind, Uuid::now_v7())
}

pub(crate) fn new_event(stream: &StreamName, version: u64) -> NewEvent {
    NewEvent {
        id: EventId(Uuid::now_v7()),
        event_type: "ProductCreated".into(),
        stream: stream.clone(),
        version: StreamVersion::new(version),
        schema: SchemaFingerprint(-42),
        payload: Bytes::from(format!("event {version} of {stream}")),
        metadata: EventMetadata {
            correlation_id: Uuid::now_v7(),
            causation_id: version.is_multiple_of(2).then(Uuid::now_v7),
            command_id: Uuid::now_v7(),
            actor: Actor::new("jo@acme"),
            traceparent: version
                .is_multiple_of(3)
                .then(|| Arc::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")),
        },
    }
}

/// `count` events on a stream that is at `version`.
pub(crate) fn recording(stream: &StreamName, version: u64, count: u64) -> Append {
    Append {
        stream: stream.clone(),
        guards: vec![Guard { stream: stream.clone(), version: StreamVersion::new(version) }],
        events: (1..=count).map(|step| new_event(stream, version + step)).collect(),
        claims: Vec::new(),
        once: None,
        beside: Beside::nothing(),
    }
}

/// The rest of an append, in words.
pub(crate) trait And {
    fn reading(self, stream: &StreamName, version: u64) -> Self;
    fn taking(self, value: &str) -> Self;
    fn releasing(self, value: &str) -> Self;
    fn once(self, key: &str) -> Self;
    fn once_for_ever(self, key: &str) -> Self;
}

impl And for Append {
    fn reading(mut self, stream: &StreamName, version: u64) -> Self {
        self.guards.push(Guard { stream: stream.clone(), version: StreamVersion::new(version) });
        self
    }

    fn taking(mut self, value: &str) -> Self {
        self.claims.push(ClaimChange::Take { set: "sku", value: value.to_owned() });
        self
    }

    fn releasing(mut self, value: &str) -> Self {
        self.claims.push(ClaimChange::Release { set: "sku", value: value.to_owned() });
        self
    }

    fn once(mut self, key: &str) -> Self {
        self.once = Some(OnceKey { key: key.to_owned(), body: [7; 32], forever: false });
        self
    }

    fn once_for_ever(mut self, key: &str) -> Self {
        self.once = Some(OnceKey { key: key.to_owned(), body: [7; 32], forever: true });
        self
    }
}

/// The sequences of events, which must be dense from 1.
pub(crate) fn assert_dense(events: &[LoggedEvent]) {
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence.number()).collect();
    assert_eq!(sequences, (1..=events.len() as u64).collect::<Vec<_>>());
}
