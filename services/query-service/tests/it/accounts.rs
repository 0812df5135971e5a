//! What the accounts answer from views that projectors keep.

use accounts::views::Statistics;
use accounts::{
    Accounts, AccountsEvent, Post, PostEvent, PostPublished, PostRemoved, User, UserDeactivated, UserEvent,
    UserRegistered, UserSuspended,
};
use kernel::{
    Actor, Context, Decider, EventId, EventMetadata, Lane, Recorded, Sequence, StreamName, StreamVersion,
    TenantId, Timestamp,
};
use read_store::{PostgresRows, ViewVersion, postgres_for_rows};
use serde_json::json;
use test_servers::{TestDatabase, TestRedis};
use uuid::Uuid;

use crate::client::Client;
use crate::projection::Projection;
use crate::service::{self, Service};
use crate::shop::tenant;

pub(crate) const STATISTICS: &str = "/v1/accounts/statistics";
const LANE: u16 = 3;
const ANN: Uuid = Uuid::from_u128(0xa1);
const BOB: Uuid = Uuid::from_u128(0xb1);
const POST: Uuid = Uuid::from_u128(0x11);

/// Tenants of one lane, what happens to their users, and a service that answers for it.
struct People {
    _database: TestDatabase,
    _redis: TestRedis,
    log: Vec<Recorded<AccountsEvent>>,
    tenant: TenantId,
    statistics: Projection<Statistics, PostgresRows>,
    service: Service,
}

impl People {
    async fn meet() -> Self {
        let (database, redis) = (TestDatabase::create().await, test_servers::redis());
        let pool = postgres_for_rows(database.url(), 4).unwrap();
        let rows = PostgresRows::new(pool, ViewVersion::of::<Statistics>(Accounts::NAME), "");
        let statistics = Projection::begin(rows, Lane::new(LANE)).await;
        let service = service::start(service::config_of(database.url(), &redis)).await;
        let (log, tenant) = (Vec::new(), tenant("acme"));
        Self { _database: database, _redis: redis, log, tenant, statistics, service }
    }

    /// What follows happens to this tenant.
    fn of(&mut self, name: &str) -> &mut Self {
        self.tenant = tenant(name);
        self
    }

    fn happens(&mut self, kind: &'static str, id: Uuid, event: impl Into<AccountsEvent>) -> &mut Self {
        let stream = StreamName::of(kind, id);
        let earlier =
            self.log.iter().filter(|e| e.stream == stream && e.tenant == self.tenant).count() as u64;
        let sequence = self.log.len() as u64 + 1;
        self.log.push(Recorded {
            id: EventId(Uuid::from_u128(u128::from(sequence))),
            tenant: self.tenant.clone(),
            lane: Lane::new(LANE),
            sequence: Sequence::new(sequence),
            stream,
            version: StreamVersion::new(earlier + 1),
            recorded_at: Timestamp::from_micros(1_790_000_000_000_000),
            metadata: EventMetadata::from_outside(Uuid::from_u128(1), Actor::new("tester")),
            event: event.into(),
        });
        self
    }

    fn user(&mut self, id: Uuid, event: impl Into<UserEvent>) -> &mut Self {
        self.happens(User::STREAM, id, event.into())
    }

    fn registers(&mut self, user_id: Uuid) -> &mut Self {
        let email = format!("{user_id}@example.com");
        self.user(user_id, UserRegistered { user_id, email, name: "Somebody".into() })
    }

    fn publishes(&mut self, user_id: Uuid, post_id: Uuid) -> &mut Self {
        let published = PostPublished { post_id, user_id, title: "On chairs".into() };
        self.happens(Post::STREAM, post_id, PostEvent::from(published))
    }

    async fn reaches_the_views(&mut self) {
        self.statistics.follow(&self.log).await;
    }

    fn token(&self) -> String {
        format!("accounts/{LANE}={}", self.log.len())
    }

    fn client(&self, name: &str) -> Client {
        self.service.client_with(name, "accounts:read")
    }
}

#[tokio::test]
async fn users_are_counted_where_they_stand_and_posts_while_they_can_be_seen() {
    let mut people = People::meet().await;
    people.registers(ANN).registers(BOB).registers(Uuid::from_u128(0xc1));
    people.publishes(ANN, POST).publishes(ANN, Uuid::from_u128(0x12));
    people.publishes(ANN, Uuid::from_u128(0x13));
    people.happens(Post::STREAM, POST, PostEvent::from(PostRemoved { post_id: POST, user_id: ANN }));
    people.user(BOB, UserDeactivated { user_id: BOB, reason: None });
    people.user(ANN, UserSuspended { user_id: ANN, reason: None, was_inactive: false });
    people.reaches_the_views().await;
    let got = people.client("acme").get(STATISTICS).await.ok();
    assert_eq!(
        got.body,
        json!({
            "total_users": 3, "active_users": 1, "inactive_users": 1, "suspended_users": 1,
            "total_posts": 2, "avg_posts_per_user": 0.67,
        })
    );
    assert_eq!(got.header("twofold-sequence"), people.token());
}

#[tokio::test]
async fn statistics_are_of_ones_own_tenant_only() {
    let mut people = People::meet().await;
    people.of("acme").registers(ANN).publishes(ANN, POST);
    people.of("globex").registers(ANN).registers(BOB);
    people.reaches_the_views().await;
    for (name, users, posts) in [("acme", 1, 1), ("globex", 2, 0), ("newcomer", 0, 0)] {
        let got = people.client(name).get(STATISTICS).await.ok();
        assert_eq!((&got.body["total_users"], &got.body["total_posts"]), (&json!(users), &json!(posts)));
    }
    people.service.stranger().get(STATISTICS).await.problem(401, "unauthenticated");
    for scope in ["", "accounts:write", "catalog:read"] {
        let client = people.service.client_with("acme", scope);
        client.get(STATISTICS).await.problem(403, "missing-scope");
    }
}

#[tokio::test]
async fn statistics_reflect_what_the_client_names() {
    let mut people = People::meet().await;
    people.registers(ANN).reaches_the_views().await;
    people.registers(BOB);
    let (client, token) = (people.client("acme"), people.token());
    let at_once = [("twofold-after", token.as_str()), ("prefer", "wait=0")];
    client.get_with(STATISTICS, &at_once).await.problem(503, "read-model-behind");
    let waiting = [("twofold-after", token.as_str()), ("prefer", "wait=20")];
    let (got, ()) = tokio::join!(client.get_with(STATISTICS, &waiting), people.reaches_the_views());
    assert_eq!(got.ok().body["total_users"], 2);
}
