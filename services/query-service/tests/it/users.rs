//! Users, in the inline view that the command-service keeps: both services, on one log.

use std::net::SocketAddr;
use std::time::Duration;

use command_service::{CommandService, OnceConfig, SignInConfig};
use futures::future::join_all;
use http_api::{AuthConfig, Claims, auth::generate_secret, mint};
use serde_json::{Value, json};
use service_runtime::CancellationToken;
use service_runtime::config::{LanesConfig, ListenConfig, LogDatabaseConfig, SecretString, TelemetryConfig};
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
        let (commands, token, running) = commands_on(&log, &secret).await;
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
        self.token.cancel();
        (&mut self.running).await.unwrap().unwrap();
        (self.commands, self.token, self.running) = commands_on(&self.log, &self.secret).await;
        self.is_ready().await;
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
) -> (SocketAddr, CancellationToken, JoinHandle<anyhow::Result<()>>) {
    let config = command_service::Config {
        listen: ListenConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)) },
        log: LogDatabaseConfig { url: SecretString::from(log.url()), pool_max: 8 },
        lanes: LanesConfig::default(),
        auth: AuthConfig::with_secret(secret.clone()),
        once: OnceConfig::default(),
        sign_in: SignInConfig::default(),
        warm_mib: 32,
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

#[tokio::test]
async fn without_knowing_where_inline_views_live_a_service_says_so() {
    let (views, redis) = (TestDatabase::create().await, test_servers::redis());
    let service = service::start(service::config_of(views.url(), &redis)).await;
    let client = service.client_with("acme", "accounts:read");
    for path in [user(ANN), list_all()] {
        client.get(&path).await.problem(503, "read-model-away");
    }
}
