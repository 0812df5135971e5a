//! Users, in the inline view that the command-service keeps: both services, on one log.

mod place;

use futures::future::join_all;
use serde_json::{Value, json};
use service_runtime::config::{ChangedViewsConfig, OnChangedView};
use test_servers::TestDatabase;
use uuid::Uuid;

use crate::client::{Client, until};
use crate::live::watch;
use crate::service;
use place::{ANOTHER_FOLD, PASSWORD, Place, commands_on, user};

const ANN: Uuid = Uuid::from_u128(0xa1);
const BOB: Uuid = Uuid::from_u128(0xb1);
const EVE: Uuid = Uuid::from_u128(0xe1);

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
async fn every_query_of_users_answers_of_its_own_tenant_and_user_only() {
    let place = Place::open().await;
    for name in ["acme", "globex"] {
        place.registers(name, ANN, &format!("{name} Ann")).await;
        place.registers(name, BOB, &format!("{name} Bob")).await;
    }
    place.registers("globex", EVE, "globex Eve").await;
    place.follows("globex", BOB, ANN).await;
    for (tenant, author, post) in [("globex", ANN, 1), ("globex", ANN, 2), ("acme", BOB, 1)] {
        let post = json!({ "user_id": author, "post_id": Uuid::from_u128(post), "title": "On chairs" });
        place.done(tenant, "publish-post", post).await;
    }
    for (own, other) in [("acme", "globex"), ("globex", "acme")] {
        for path in every_query() {
            let body = place.client(own).get(&path).await.body.to_string().to_lowercase();
            assert!(!body.contains(other), "{own} sees {other} in {path}: {body}");
        }
    }
    for (tenant, id, name, counts) in [
        ("acme", ANN, "Ann", [0, 0, 0]),
        ("acme", BOB, "Bob", [1, 0, 0]),
        ("globex", ANN, "Ann", [2, 1, 0]),
        ("globex", BOB, "Bob", [0, 0, 1]),
    ] {
        let got = place.user(tenant, id).await.ok().body;
        assert_eq!((&got["id"], &got["name"]), (&json!(id), &json!(format!("{tenant} {name}"))));
        let counted = [&got["post_count"], &got["follower_count"], &got["following_count"]];
        assert_eq!(counted, counts.map(|count| json!(count)).each_ref(), "{tenant} {name}");
    }
    assert_eq!(place.list("acme", "").await.body["total"], 2);
    place.user("acme", EVE).await.problem(404, "not-found");
    place.client("acme").get(&format!("{}/live", user(EVE))).await.problem(404, "not-found");
    place.user("newcomer", ANN).await.problem(404, "not-found");
    assert_eq!(place.list("newcomer", "").await.body["total"], 0);
}

pub(crate) fn every_query() -> Vec<String> {
    vec![user(ANN), user(BOB), user(EVE), "/v1/accounts/users?search=ann".into(), list_all()]
}

/// What streams changes.
pub(crate) fn every_stream() -> Vec<String> {
    vec![format!("{}/live", user(ANN))]
}

fn list_all() -> String {
    "/v1/accounts/users".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_tag_is_no_tag_of_ones_own() {
    let place = Place::open().await;
    for name in ["acme", "globex"] {
        place.registers(name, ANN, "Ann").await;
    }
    for path in [user(ANN), list_all()] {
        let theirs = place.client("globex").get(&path).await.ok();
        let got = place.client("acme").get_with(&path, &[("if-none-match", theirs.header("etag"))]).await;
        assert_ne!(got.status, 304, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_its_own_user_and_tenant_only() {
    let place = Place::open().await;
    for name in ["globex", "acme"] {
        place.registers(name, BOB, &format!("{name} Bob")).await;
        place.registers(name, ANN, &format!("{name} Ann")).await;
    }
    let says = async |tenant, id, bio| {
        place.done(tenant, "update-profile", json!({ "user_id": id, "bio": bio })).await
    };
    let mut stream = watch(&place.client("acme"), &user(ANN), &[]).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data), ("changed", &place.user("acme", ANN).await.ok().body));
    says("globex", ANN, "Somebody else's words").await;
    says("acme", BOB, "Somebody else's words").await;
    let changed = says("acme", ANN, "Her own words").await;
    let second = stream.next().await.unwrap();
    assert_eq!((second.id, &second.data["bio"]), (changed, &json!("Her own words")));
    assert_eq!(second.data, place.user("acme", ANN).await.ok().body);
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
