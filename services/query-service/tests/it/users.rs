//! Users, in the inline view that the command-service keeps: both services, on one log.

use std::net::SocketAddr;
use std::time::Duration;

use command_service::{CommandService, OnceConfig, SignInConfig};
use futures::future::join_all;
use http_api::{AuthConfig, Claims, auth::generate_secret, mint};
use serde_json::{Value, json};
use service_runtime::CancellationToken;
use service_runtime::config::{
    ChangedViewsConfig, LanesConfig, ListenConfig, LogDatabaseConfig, LogServiceConfig, OnChangedView,
    SecretString, TelemetryConfig, TrustConfig,
};
use test_servers::{TestDatabase, TestRedis};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::{Client, Got, until};
use crate::service::{self, Service};
use crate::shop::tenant;

const PASSWORD: &str = "correct horse battery";
const ANN: Uuid = Uuid::from_u128(0xa1);
const BOB: Uuid = Uuid::from_u128(0xb1);
const EVE: Uuid = Uuid::from_u128(0xe1);
const ANOTHER_FOLD: &str = "0123456789abcdef";

/// A log, a service that takes commands and one that answers queries.
struct Place {
    log: TestDatabase,
    _redis: TestRedis,
    secret: SecretString,
    commands: SocketAddr,
    queries: Service,
    token: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    http: reqwest::Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Place {
    async fn open() -> Self {
        let (log, redis) = (TestDatabase::create().await, test_servers::redis());
        let secret = generate_secret();
        let mut config = service::config_of(TestDatabase::create().await.url(), &redis);
        config.auth = AuthConfig::with_secret(secret.clone());
        config.inline_url = Some(SecretString::from(log.url()));
        let (commands, token, running) = commands_on(&log, &secret, ChangedViewsConfig::default()).await;
        config.log_service = LogServiceConfig { url: format!("http://{commands}") };
        let queries = service::start(config).await;
        let place = Self {
            log,
            _redis: redis,
            secret,
            commands,
            queries,
            token,
            running,
            http: reqwest::Client::new(),
        };
        place.is_ready().await;
        place
    }

    async fn is_ready(&self) {
        let client = Client::new(self.commands, None);
        until(&client, "/readyz", |got| got.status == 200).await;
    }

    /// The command-service ends and another one takes its place.
    async fn restart_commands(&mut self) {
        self.stop_commands().await;
        let config = ChangedViewsConfig::default();
        (self.commands, self.token, self.running) = commands_on(&self.log, &self.secret, config).await;
        self.is_ready().await;
    }

    async fn stop_commands(&mut self) {
        self.token.cancel();
        (&mut self.running).await.unwrap().unwrap();
    }

    /// The rows are the work of another fold.
    async fn release_of_another_fold_was_here(&self, pool: &sqlx::PgPool) {
        let changed = sqlx::query("UPDATE inline_views SET fold = $1").bind(ANOTHER_FOLD);
        changed.execute(pool).await.unwrap();
    }

    fn bearer(&self, name: &str, scope: &str) -> String {
        mint(&self.secret, &Claims::new(&tenant(name), "tester", scope, Duration::from_secs(600))).unwrap()
    }

    async fn send(&self, name: &str, command: &str, body: Value) -> (u16, Value, Option<String>) {
        let answer = self
            .http
            .post(format!("http://{}/v1/accounts/{command}", self.commands))
            .bearer_auth(self.bearer(name, "accounts:write"))
            .json(&body)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let sequence = answer.headers().get("twofold-sequence").map(|it| it.to_str().unwrap().to_owned());
        (status, answer.json().await.unwrap(), sequence)
    }

    async fn done(&self, name: &str, command: &str, body: Value) -> String {
        let (status, body, sequence) = self.send(name, command, body).await;
        assert!((200..300).contains(&status), "{command}: {status} {body}");
        sequence.unwrap()
    }

    async fn registers(&self, tenant: &str, id: Uuid, name: &str) -> String {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let body = json!({ "user_id": id, "email": email, "name": name, "password": PASSWORD });
        self.done(tenant, "register-user", body).await
    }

    async fn follows(&self, tenant: &str, user: Uuid, followed: Uuid) -> String {
        self.done(tenant, "follow-user", json!({ "user_id": user, "followed_id": followed })).await
    }

    fn client(&self, name: &str) -> Client {
        self.queries.client_with(name, "accounts:read")
    }

    async fn user(&self, name: &str, id: Uuid) -> Got {
        self.client(name).get(&user(id)).await
    }

    async fn list(&self, name: &str, query: &str) -> Got {
        self.client(name).get(&format!("/v1/accounts/users?{query}")).await.ok()
    }
}

async fn commands_on(
    log: &TestDatabase,
    secret: &SecretString,
    views: ChangedViewsConfig,
) -> (SocketAddr, CancellationToken, JoinHandle<anyhow::Result<()>>) {
    let config = command_service::Config {
        listen: ListenConfig::at(SocketAddr::from(([127, 0, 0, 1], 0))),
        log: LogDatabaseConfig { url: SecretString::from(log.url()), pool_max: 8 },
        lanes: LanesConfig::default(),
        auth: AuthConfig::with_secret(secret.clone()),
        rates: http_api::RateConfig::default(),
        audit: command_service::AuditConfig::default(),
        once: OnceConfig::default(),
        sign_in: SignInConfig::default(),
        views,
        warm_mib: 32,
        trust: TrustConfig::default(),
        telemetry: TelemetryConfig { filter: "off".to_owned(), ..TelemetryConfig::default() },
    };
    let service = CommandService::build(config).await.unwrap();
    let (address, token) = (service.address(), CancellationToken::new());
    (address, token.clone(), tokio::spawn(service.run(token)))
}

fn user(id: Uuid) -> String {
    format!("/v1/accounts/users/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_is_there_in_the_very_next_request() {
    let place = Place::open().await;
    for number in 0..20_u128 {
        let id = Uuid::from_u128(number + 1);
        let sequence = place.registers("acme", id, &format!("User {number}")).await;
        let got = place.user("acme", id).await.ok();
        assert_eq!(got.body["name"], format!("User {number}"));
        assert_eq!(got.header("twofold-sequence"), sequence);
        assert_eq!(place.list("acme", "").await.body["items"][0]["id"], json!(id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_registered_from_64_connections_at_once_makes_one_user() {
    let place = Place::open().await;
    let attempts = (0..64_u128).map(|number| {
        let email = if number % 2 == 0 { "ann@example.com" } else { "ANN@Example.com" };
        let id = Uuid::from_u128(number + 1);
        let body = json!({ "user_id": id, "email": email, "name": "Ann", "password": PASSWORD });
        place.send("acme", "register-user", body)
    });
    let answers = join_all(attempts).await;
    let registered: Vec<_> = answers.iter().filter(|(status, ..)| *status == 201).collect();
    assert_eq!(registered.len(), 1);
    for (status, body, _) in answers.iter().filter(|(status, ..)| *status != 201) {
        assert_eq!((*status, &body["code"]), (409, &json!("email-taken")), "{body}");
    }
    let listed = place.list("acme", "").await;
    assert_eq!(listed.body["total"], 1);
    assert_eq!(listed.body["items"][0]["id"], registered[0].1["id"]);
    let passwords: i64 = sqlx::query_scalar("SELECT count(*) FROM passwords")
        .fetch_one(&place.log.pool().await)
        .await
        .unwrap();
    assert_eq!(passwords, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_says_everything_that_happened_to_them() {
    let place = Place::open().await;
    place.registers("acme", ANN, "Ann").await;
    place.registers("acme", BOB, "Bob").await;
    place.follows("acme", ANN, BOB).await;
    let published = json!({ "user_id": ANN, "post_id": Uuid::from_u128(1), "title": "On chairs" });
    place.done("acme", "publish-post", published).await;
    place.done("acme", "update-profile", json!({ "user_id": ANN, "bio": "Likes \"chairs\"\n" })).await;
    let ann = place.user("acme", ANN).await.ok().body;
    assert_eq!(
        [&ann["email"], &ann["bio"], &ann["status"]],
        [&json!("ann@example.com"), &json!("Likes \"chairs\"\n"), &json!("active")]
    );
    assert_eq!(
        [&ann["post_count"], &ann["following_count"], &ann["follower_count"]],
        [&json!(1), &json!(1), &json!(0)]
    );
    let created = ann["created_at"].as_str().unwrap();
    assert!(created < ann["last_activity_at"].as_str().unwrap());
    assert!(created.starts_with("20"), "the time of recording and not what stood for it: {created}");
    assert_eq!(place.user("acme", BOB).await.ok().body["follower_count"], 1);
    place.done("acme", "unfollow-user", json!({ "user_id": ANN, "followed_id": BOB })).await;
    assert_eq!(place.user("acme", BOB).await.ok().body["follower_count"], 0);
    place.done("acme", "suspend-user", json!({ "user_id": ANN })).await;
    assert_eq!(place.user("acme", ANN).await.ok().body["status"], "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_follow_one_at_once_and_none_is_lost() {
    let place = Place::open().await;
    place.registers("acme", ANN, "Ann").await;
    let fans: Vec<Uuid> = (0..24).map(|number| Uuid::from_u128(0x1000 + number)).collect();
    let registering = fans.iter().map(|fan| async {
        place.registers("acme", *fan, &format!("Fan {}", fan.as_u128())).await;
    });
    join_all(registering).await;
    join_all(fans.iter().map(|fan| place.follows("acme", *fan, ANN))).await;
    assert_eq!(place.user("acme", ANN).await.ok().body["follower_count"], fans.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn active_users_are_listed_the_newest_first_in_numbered_pages() {
    let place = Place::open().await;
    for number in 0..7_u128 {
        place.registers("acme", Uuid::from_u128(number + 1), &format!("User {number}")).await;
    }
    place.done("acme", "deactivate-user", json!({ "user_id": Uuid::from_u128(3) })).await;
    let page = place.list("acme", "page=1&page_size=4").await;
    assert_eq!(page.names(), ["User 6", "User 5", "User 4", "User 3"]);
    assert_eq!(
        [&page.body["page"], &page.body["page_size"], &page.body["total"]],
        [&json!(1), &json!(4), &json!(6)]
    );
    assert_eq!(place.list("acme", "page=2&page_size=4").await.names(), ["User 1", "User 0"]);
    let beyond = place.list("acme", "page=3&page_size=4").await;
    assert_eq!((beyond.names().len(), &beyond.body["total"]), (0, &json!(6)));
    assert_eq!(place.list("acme", "").await.body["page_size"], 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_by_a_part_of_name_or_address_in_whatever_case() {
    let place = Place::open().await;
    place.registers("acme", ANN, "Ann Smith").await;
    place.registers("acme", BOB, "Bob 100%").await;
    for (search, found) in [
        ("SMITH", vec!["Ann Smith"]),
        ("ann.smith@", vec!["Ann Smith"]),
        ("example.com", vec!["Bob 100%", "Ann Smith"]),
        ("100%25", vec!["Bob 100%"]),
        ("b%25b", vec![]),
        ("_", vec![]),
        ("%5C", vec![]),
        ("%00", vec![]),
        ("", vec!["Bob 100%", "Ann Smith"]),
    ] {
        let got = place.list("acme", &format!("search={search}")).await;
        assert_eq!(got.names(), found, "{search}");
        assert_eq!(got.body["total"], found.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_users_is_checked() {
    let place = Place::open().await;
    let client = place.client("acme");
    let list = |query: &str| format!("/v1/accounts/users?{query}");
    for (name, wrong) in [("page", "0"), ("page", "1000001"), ("page_size", "0"), ("page_size", "101")] {
        client.get(&list(&format!("{name}={wrong}"))).await.invalid(name, "out-of-range");
    }
    client.get(&list("page=many")).await.invalid("page", "malformed");
    client.get(&list(&format!("search={}", "x".repeat(201)))).await.invalid("search", "too-long");
    client.get(&list("name=Ann")).await.invalid("name", "unknown-parameter");
    client.get("/v1/accounts/users/ann").await.invalid("id", "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_users_answers_of_its_own_tenant_only() {
    let place = Place::open().await;
    for name in ["acme", "globex"] {
        place.registers(name, ANN, &format!("{name} Ann")).await;
        place.registers(name, BOB, &format!("{name} Bob")).await;
    }
    place.registers("globex", EVE, "globex Eve").await;
    place.follows("globex", BOB, ANN).await;
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        for path in [user(ANN), user(BOB), user(EVE), "/v1/accounts/users?search=ann".into(), list_all()] {
            let body = place.client(own).get(&path).await.body.to_string().to_lowercase();
            assert!(!body.contains(other), "{own} sees {other} in {path}: {body}");
        }
    }
    assert_eq!(place.user("acme", ANN).await.ok().body["follower_count"], 0);
    assert_eq!(place.user("globex", ANN).await.ok().body["follower_count"], 1);
    assert_eq!(place.list("acme", "").await.body["total"], 2);
    place.user("acme", EVE).await.problem(404, "not-found");
    place.client("acme").get(&format!("{}/live", user(EVE))).await.problem(404, "not-found");
    place.user("newcomer", ANN).await.problem(404, "not-found");
    assert_eq!(place.list("newcomer", "").await.body["total"], 0);
}

fn list_all() -> String {
    "/v1/accounts/users".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_shown_to_nobody_without_a_token_and_its_scope() {
    let place = Place::open().await;
    for path in [user(ANN), format!("{}/live", user(ANN)), list_all()] {
        place.queries.stranger().get(&path).await.problem(401, "unauthenticated");
        for scope in ["", "accounts:write", "catalog:read"] {
            place.queries.client_with("acme", scope).get(&path).await.problem(403, "missing-scope");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_the_log_does_not_have_yet_is_waited_for() {
    let place = Place::open().await;
    let sequence = place.registers("acme", ANN, "Ann").await;
    let (log, number) = sequence.split_once('=').unwrap();
    let next = format!("{log}={}", number.parse::<u64>().unwrap() + 1);
    let client = place.client("acme");
    for path in [user(BOB), list_all()] {
        let headers = [("twofold-after", next.as_str()), ("prefer", "wait=0")];
        client.get_with(&path, &headers).await.problem(503, "read-model-behind");
    }
    let headers = [("twofold-after", next.as_str()), ("prefer", "wait=20")];
    let path = user(BOB);
    let (got, _) = tokio::join!(client.get_with(&path, &headers), place.registers("acme", BOB, "Bob"));
    assert_eq!(got.ok().header("twofold-sequence"), next);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_answered_as_they_were_with_the_posts_and_followers_of_then() {
    let place = Place::open().await;
    let post = |tenant: &str| json!({ "user_id": ANN, "post_id": Uuid::from_u128(1), "title": tenant });
    let mut then: Vec<(String, Value)> = Vec::new();
    for tenant in ["globex", "acme"] {
        place.registers(tenant, BOB, "Bob").await;
        let mut places = vec![place.registers(tenant, ANN, &format!("Ann of {tenant}")).await];
        let mut were = vec![place.user(tenant, ANN).await.ok().body];
        let followed = json!({ "user_id": BOB, "followed_id": ANN });
        let commands = [
            ("follow-user", followed.clone()),
            ("follow-user", json!({ "user_id": ANN, "followed_id": BOB })),
            ("publish-post", post(tenant)),
            ("publish-post", json!({ "user_id": BOB, "post_id": Uuid::from_u128(2), "title": "Bob's" })),
            ("update-profile", json!({ "user_id": ANN, "bio": format!("Works at {tenant}") })),
            ("unfollow-user", followed),
            ("remove-post", json!({ "user_id": ANN, "post_id": Uuid::from_u128(1) })),
            ("suspend-user", json!({ "user_id": ANN })),
        ];
        for (name, body) in commands {
            places.push(place.done(tenant, name, body).await);
            were.push(place.user(tenant, ANN).await.ok().body);
        }
        then = places.into_iter().zip(were).collect();
    }
    let counted = |(_, was): &(String, Value)| {
        (was["follower_count"].as_i64().unwrap(), was["post_count"].as_i64().unwrap())
    };
    let counts: Vec<_> = then.iter().map(counted).collect();
    assert_eq!(counts, [(0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (1, 1), (0, 1), (0, 0), (0, 0)]);
    let client = place.client("acme");
    for (at, was) in &then {
        let got = client.get(&format!("{}?as_of={at}", user(ANN))).await.ok();
        assert_eq!((&got.body, got.header("twofold-sequence")), (was, at.as_str()));
    }
    let got = client.get(&format!("{}?as_of=0", user(ANN))).await.problem(404, "not-found");
    assert_eq!(got.body["code"], "unknown-user");
    client.get(&format!("{}?as_of={}", user(EVE), then[0].0)).await.problem(404, "not-found");
    client.get(&format!("{}?as_of=999", user(ANN))).await.invalid("as_of", "in-the-future");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_behind_the_log_are_built_from_it_before_commands_are_taken_and_when_they_come() {
    let mut place = Place::open().await;
    place.registers("acme", ANN, "Ann").await;
    place.registers("acme", BOB, "Bob").await;
    place.follows("acme", ANN, BOB).await;
    let before = [place.user("acme", ANN).await.ok().body, place.user("acme", BOB).await.ok().body];
    // As it is for a version of the view that is new, or for one that a release did not know.
    let pool = place.log.pool().await;
    let emptied = "UPDATE inline_heads SET through = 0; DELETE FROM inline_rows";
    sqlx::raw_sql(emptied).execute(&pool).await.unwrap();
    place.restart_commands().await;
    let after = [place.user("acme", ANN).await.ok().body, place.user("acme", BOB).await.ok().body];
    assert_eq!(after, before);
    sqlx::raw_sql(emptied).execute(&pool).await.unwrap();
    place.registers("acme", EVE, "Eve").await;
    let after = [place.user("acme", ANN).await.ok().body, place.user("acme", BOB).await.ok().body];
    assert_eq!(after, before);
    assert_eq!(place.list("acme", "").await.body["total"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_that_changed_while_its_version_did_not_is_built_anew_beside_the_rows_that_it_did_not_make() {
    let mut place = Place::open().await;
    place.registers("globex", BOB, "Bob").await;
    place.registers("acme", ANN, "Ann").await;
    let pool = place.log.pool().await;
    place.release_of_another_fold_was_here(&pool).await;
    assert_eq!(place.user("acme", ANN).await.status, 503, "no rows of this fold");
    place.restart_commands().await;
    assert_eq!(place.user("acme", ANN).await.ok().body["name"], "Ann");
    let after = place.registers("acme", EVE, "Eve").await;
    assert_eq!(place.user("acme", EVE).await.ok().header("twofold-sequence"), after);
    assert_eq!(place.list("globex", "").await.body["total"], 1);
    let folds: Vec<(String, i64)> = sqlx::query_as(
        "SELECT fold, (SELECT count(*) FROM inline_rows WHERE view_id = views.view_id)
           FROM inline_views AS views WHERE view = 'users' ORDER BY view_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!((folds.len(), &folds[0], folds[1].1), (2, &(ANOTHER_FOLD.to_owned(), 2), 3));
    assert_ne!(folds[1].0, ANOTHER_FOLD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fold_that_changed_is_refused_where_that_was_said_and_nothing_is_recorded_meanwhile() {
    let mut place = Place::open().await;
    place.registers("acme", ANN, "Ann").await;
    let pool = place.log.pool().await;
    place.release_of_another_fold_was_here(&pool).await;
    place.stop_commands().await;
    let refusing = ChangedViewsConfig { on_changed_view: OnChangedView::Refuse };
    (place.commands, place.token, place.running) = commands_on(&place.log, &place.secret, refusing).await;
    let client = Client::new(place.commands, None);
    let got = until(&client, "/readyz", |got| {
        let why = got.body["dependencies"][0]["why"].as_str();
        why.is_some_and(|why| why.contains("the fold of users changed while its VERSION did not"))
    })
    .await;
    assert_eq!(got.status, 503);
    let bob = json!({ "user_id": BOB, "email": "bob@example.com", "name": "Bob", "password": PASSWORD });
    assert_eq!(place.send("acme", "register-user", bob).await.0, 503);
    let views: i64 = sqlx::query_scalar("SELECT count(*) FROM inline_views").fetch_one(&pool).await.unwrap();
    assert_eq!(views, 1);
}

#[tokio::test]
async fn without_knowing_where_inline_views_live_a_service_says_so() {
    let (views, redis) = (TestDatabase::create().await, test_servers::redis());
    let service = service::start(service::config_of(views.url(), &redis)).await;
    let client = service.client_with("acme", "accounts:read");
    for path in [user(ANN), list_all()] {
        client.get(&path).await.problem(503, "read-model-away");
    }
}
