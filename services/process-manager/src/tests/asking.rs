//! What is asked over HTTP, by whom, and what is answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_api::{Authenticator, Claims, OperatorConfig, OperatorTokens, mint};
use kernel::json;
use projection::ops::Ops;
use projection::{BuildsConfig, LogSource, Projections, Source};
use serde_json::Value;
use service_runtime::Health;
use service_runtime::config::{KafkaConfig, KafkaSecurityConfig, ParkingConfig, RegistryConfig, TrustConfig};
use tokio::net::TcpListener;

use super::hotel::Mishap;
use super::toy::{Journey, Patience};
use super::world::{World, id, tenant, until};
use crate::KEPT;
use crate::api::{Desk, surface};
use crate::processes::{Gathering, Inboxes};

/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:9";

struct Asking {
    url: String,
    client: reqwest::Client,
}

fn gathering(world: &World, settings: Value) -> Gathering {
    let kafka = KafkaConfig {
        brokers: NOWHERE.to_owned(),
        topic_prefix: "test".to_owned(),
        replication: 1,
        security: KafkaSecurityConfig::default(),
        properties: Vec::new(),
    };
    let registry = RegistryConfig { url: format!("http://{NOWHERE}").into() };
    let tokens = OperatorTokens::new(&OperatorConfig::default(), &world.auth).unwrap();
    let log = LogSource::new(&format!("http://{NOWHERE}"), tokens).unwrap();
    let source = Source::new(
        &kafka,
        &registry,
        &TrustConfig::default(),
        log,
        &ParkingConfig::default(),
        &BuildsConfig::default(),
    )
    .unwrap();
    let pool = read_store::postgres_for_rows(world.database.url(), 2).unwrap();
    let settings: BTreeMap<String, Value> = serde_json::from_value(settings).unwrap();
    Gathering::new(settings, Projections::new(source, Inboxes(pool), Health::new(), KEPT))
}

impl Asking {
    async fn of(world: &World) -> Self {
        let mut gathering = gathering(world, json!({}));
        gathering.add::<Journey>("journeys").unwrap();
        let (served, inboxes) = gathering.finish().unwrap();
        let authenticator = Authenticator::new(&world.auth).unwrap();
        let ops = Ops::new(authenticator.clone(), &inboxes);
        let desk = Desk { store: world.store.clone(), served: Arc::new(served), authenticator };
        let router = surface(desk, ops, Health::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, client: reqwest::Client::new() }
    }

    async fn get(&self, world: &World, whose: &str, scope: &str, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url));
        answer(request.bearer_auth(token(world, whose, scope))).await
    }

    async fn post(&self, world: &World, scope: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).json(body);
        answer(request.bearer_auth(token(world, "operators", scope))).await
    }
}

fn token(world: &World, whose: &str, scope: &str) -> String {
    let claims = Claims::new(&tenant(whose), "ann", scope, Duration::from_secs(60));
    mint(&world.auth.secret().unwrap().unwrap(), &claims).unwrap()
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Runs a manager until the journey of `acme` is in this state.
async fn run_until(world: &World, wanted: &str) {
    run_until_all(world, &[("acme", 1, wanted)]).await;
}

/// Runs a manager until each of these journeys is in its state.
async fn run_until_all(world: &World, wanted: &[(&str, u128, &str)]) {
    let (work, token) = world.manager(Patience::default());
    let end = async {
        for (whose, number, state) in wanted {
            let is_there =
                || async { world.state(whose, id(*number)).await.starts_with(state).then_some(()) };
            until(state, is_there).await;
        }
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
}

#[tokio::test]
async fn a_tenant_sees_how_its_own_instances_stand_and_no_others() {
    let mut world = World::new().await;
    let asking = Asking::of(&world).await;
    world.hotel.mishaps("oslo", [Mishap::Refused("no-room")]);
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    run_until(&world, "GivenUp").await;
    // Another one of the same tenant, and one of another tenant with the same id.
    world.planned("acme", id(2), &["bern"]).await;
    world.planned("globex", id(1), &["kyiv"]).await;
    run_until_all(&world, &[("acme", 2, "Confirmed"), ("globex", 1, "Confirmed")]).await;
    for (whose, number, city) in [("acme", 2, "bern"), ("globex", 1, "kyiv")] {
        let path = format!("/v1/processes/journey/{}", id(number));
        let (status, shown) = asking.get(&world, whose, "journeys:read", &path).await;
        assert_eq!((status, &shown["tenant"], &shown["instance"]), (200, &json!(whose), &json!(id(number))));
        assert_eq!((&shown["state"], &shown["steps"][0]["step"]), (&json!("Confirmed"), &json!(city)));
    }
    let path = format!("/v1/processes/journey/{}", id(1));
    let (status, shown) = asking.get(&world, "acme", "journeys:read", &path).await;
    assert_eq!((status, &shown["phase"], &shown["state"]), (200, &json!("ended"), &json!("GivenUp")));
    let rome = &shown["steps"][0];
    assert_eq!((&rome["outcome"], &rome["command"]), (&json!("done"), &json!("hotels/hold-room")));
    assert_eq!(rome["compensation"]["outcome"], "done");
    assert_eq!(shown["steps"][1]["code"], "no-room");
    assert_eq!(shown["history"][0]["what"], format!("event Planned journey-{}=1", id(1)));
    let theirs = format!("/v1/processes/journey/{}", id(2));
    let stranger = asking.get(&world, "globex", "journeys:read", &theirs).await;
    assert_eq!((stranger.0, &stranger.1["code"]), (404, &json!("unknown-instance")));
    assert_eq!(asking.get(&world, "acme", "hotels:read", &path).await.0, 403);
    let unknown = format!("/v1/processes/voyage/{}", id(1));
    assert_eq!(asking.get(&world, "acme", "journeys:read", &unknown).await.1["code"], "unknown-process");
}

#[tokio::test]
async fn operators_list_page_by_page_and_only_operators() {
    let mut world = World::new().await;
    let asking = Asking::of(&world).await;
    for whose in ["acme", "globex", "initech"] {
        world.planned(whose, id(1), &["rome"]).await;
    }
    run_until(&world, "Confirmed").await;
    world.planned("acme", id(2), &["rome"]).await;
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let path = format!("/v1/ops/processes?state=all&limit=2{after}");
        let (status, page) = asking.get(&world, "operators", "ops", &path).await;
        assert_eq!(status, 200, "{page}");
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["tenant"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, ["acme", "globex", "initech"]);
    let of_one = asking.get(&world, "operators", "ops", "/v1/ops/processes?state=all&tenant=globex").await;
    assert_eq!(of_one.1["items"].as_array().unwrap().len(), 1);
    for scope in ["journeys:read", "process"] {
        assert_eq!(asking.get(&world, "acme", scope, "/v1/ops/processes").await.0, 403);
    }
    assert_eq!(asking.get(&world, "operators", "ops", "/v1/ops/processes?limit=0").await.0, 400);
}

#[tokio::test]
async fn what_an_operator_does_needs_a_reason_and_is_kept() {
    let mut world = World::new().await;
    let asking = Asking::of(&world).await;
    world.hotel.mishaps("rome", [Mishap::Nonsense]);
    world.planned("acme", id(1), &["rome"]).await;
    run_until(&world, "stuck").await;
    let retry = format!("/v1/ops/processes/journey/acme/{}/retry", id(1));
    let reason = json!({ "reason": "the release is mended" });
    assert_eq!(asking.post(&world, "journeys:write", &retry, &reason).await.0, 403);
    assert_eq!(asking.post(&world, "ops", &retry, &json!({ "reason": " " })).await.0, 422);
    let theirs = format!("/v1/ops/processes/journey/globex/{}/retry", id(1));
    assert_eq!(asking.post(&world, "ops", &theirs, &reason).await.0, 404);
    let (status, shown) = asking.post(&world, "ops", &retry, &reason).await;
    assert_eq!((status, &shown["stuck"]), (200, &Value::Null));
    let action = &shown["operators"][0];
    assert_eq!((&action["action"], &action["by"]), (&json!("retry"), &json!("ann")));
    assert_eq!(action["reason"], "the release is mended");
    let (status, problem) = asking.post(&world, "ops", &retry, &reason).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not-stuck")));
}

#[tokio::test]
async fn settings_of_an_unknown_process_or_of_another_form_stop_the_start() {
    let world = World::new().await;
    let mut told = gathering(&world, json!({ "journey": { "millis": 5 } }));
    told.add::<Journey>("journeys").unwrap();
    assert!(told.finish().is_ok());
    let mut unknown = gathering(&world, json!({ "voyage": {} }));
    unknown.add::<Journey>("journeys").unwrap();
    assert!(unknown.finish().err().unwrap().to_string().contains("voyage"));
    let mut wrong = gathering(&world, json!({ "journey": { "millis": "soon" } }));
    assert!(wrong.add::<Journey>("journeys").is_err());
}
