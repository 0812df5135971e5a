//! Signing in, and what becomes of passwords.

use command_service::SignInConfig;
use http_api::{AuthConfig, auth::Authenticator};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use test_servers::TestDatabase;

use crate::harness::{Reply, SECRET, Service, TENANT, new_id, reply, token};

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse battery";

fn registering(id: &str) -> Value {
    json!({ "user_id": id, "email": EMAIL, "name": "Ann", "password": PASSWORD })
}

trait Accounts {
    async fn accounts(&self, tenant: &str, name: &str, body: &Value) -> Reply;
    async fn sign_in(&self, tenant: &str, email: &str, password: &str) -> Reply;
}

impl Accounts for Service {
    async fn accounts(&self, tenant: &str, name: &str, body: &Value) -> Reply {
        let token = token(tenant, "accounts:write", std::time::Duration::from_secs(60));
        let url = self.url(&format!("/v1/accounts/{name}"));
        let reply = reply(self.client.post(url).bearer_auth(token).json(body)).await;
        assert!(reply.status.is_success(), "{name}: {reply:?}");
        reply
    }

    async fn sign_in(&self, tenant: &str, email: &str, password: &str) -> Reply {
        let body = json!({ "tenant": tenant, "email": email, "password": password });
        reply(self.client.post(self.url("/v1/accounts/sign-in")).json(&body)).await
    }
}

#[tokio::test]
async fn a_user_gets_a_token_for_address_and_password() {
    let (service, id) = (Service::start().await, new_id());
    service.accounts(TENANT, "register-user", &registering(&id)).await;
    let reply = service.sign_in(TENANT, "ANN@example.com", PASSWORD).await;
    assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!((&reply.body["token_type"], &reply.body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(reply.body["user_id"], json!(id));
    let authenticator = Authenticator::new(&AuthConfig::with_secret(SECRET.into())).unwrap();
    let bearer = format!("Bearer {}", reply.body["token"].as_str().unwrap());
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer.parse().unwrap())]);
    let caller = authenticator.authenticate(&headers).await.unwrap();
    assert_eq!((caller.tenant.as_str(), caller.actor.as_str()), (TENANT, id.as_str()));
    assert!(caller.scopes.has("accounts:read") && caller.scopes.has("catalog:read"));
    assert!(!caller.scopes.has("accounts:write") && !caller.scopes.has("ops"));
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_in_is_not_said() {
    let (service, id) = (Service::start().await, new_id());
    service.accounts(TENANT, "register-user", &registering(&id)).await;
    service
        .accounts(
            "globex",
            "register-user",
            &json!({
                "email": "bob@example.com", "name": "Bob", "password": PASSWORD,
            }),
        )
        .await;
    let mut answers = Vec::new();
    for (tenant, email, password) in [
        (TENANT, EMAIL, "wrong horse battery"),
        (TENANT, EMAIL, "short"),
        (TENANT, "nobody@example.com", PASSWORD),
        (TENANT, "bob@example.com", PASSWORD),
        ("globex", EMAIL, PASSWORD),
        ("newcomer", EMAIL, PASSWORD),
    ] {
        let mut reply = service.sign_in(tenant, email, password).await;
        reply.is_problem(401, "wrong-credentials");
        reply.body["instance"].take();
        answers.push(reply.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let newcomer = kernel::TenantId::new("newcomer").unwrap();
    assert_eq!(service.log.known_lane(&newcomer).await.unwrap(), None, "asking makes no tenant");
}

#[tokio::test]
async fn only_who_knows_the_password_learns_that_the_user_may_not_act() {
    let (service, id) = (Service::start().await, new_id());
    service.accounts(TENANT, "register-user", &registering(&id)).await;
    service.accounts(TENANT, "deactivate-user", &json!({ "user_id": id })).await;
    service.sign_in(TENANT, EMAIL, PASSWORD).await.is_refused("deactivated");
    service.sign_in(TENANT, EMAIL, "wrong horse battery").await.is_problem(401, "wrong-credentials");
    service.accounts(TENANT, "suspend-user", &json!({ "user_id": id })).await;
    service.sign_in(TENANT, EMAIL, PASSWORD).await.is_refused("suspended");
    service.sign_in(TENANT, EMAIL, "wrong horse battery").await.is_problem(401, "wrong-credentials");
    service.accounts(TENANT, "reactivate-user", &json!({ "user_id": id })).await;
    assert_eq!(service.sign_in(TENANT, EMAIL, PASSWORD).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_changed_password_replaces_the_old_one() {
    let (service, id) = (Service::start().await, new_id());
    service.accounts(TENANT, "register-user", &registering(&id)).await;
    let changed = json!({ "user_id": id, "password": "another passphrase" });
    service.accounts(TENANT, "change-password", &changed).await;
    service.sign_in(TENANT, EMAIL, PASSWORD).await.is_problem(401, "wrong-credentials");
    assert_eq!(service.sign_in(TENANT, EMAIL, "another passphrase").await.status.as_u16(), 200);
}

#[tokio::test]
async fn one_address_is_tried_so_often_and_others_still_may() {
    let (service, id) = (Service::start().await, new_id());
    service.accounts(TENANT, "register-user", &registering(&id)).await;
    for _ in 0..10 {
        service.sign_in(TENANT, EMAIL, "wrong horse battery").await.is_problem(401, "wrong-credentials");
    }
    let refused = service.sign_in(TENANT, "Ann@Example.com", PASSWORD).await;
    refused.is_problem(429, "too-many-requests");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    service.sign_in("globex", EMAIL, PASSWORD).await.is_problem(401, "wrong-credentials");
}

#[tokio::test]
async fn one_peer_tries_so_often() {
    let database = TestDatabase::create().await;
    let sign_in = SignInConfig { sign_in_per_peer: 3, ..SignInConfig::default() };
    let service = Service::start_with(&database, |config| config.sign_in = sign_in).await;
    for number in 0..3 {
        let reply = service.sign_in(TENANT, &format!("{number}@example.com"), PASSWORD).await;
        reply.is_problem(401, "wrong-credentials");
    }
    service.sign_in(TENANT, EMAIL, PASSWORD).await.is_problem(429, "too-many-requests");
}

#[tokio::test]
async fn a_sign_in_that_makes_no_sense_is_told_so() {
    let service = Service::start().await;
    service.sign_in("No Tenant", EMAIL, PASSWORD).await.has_errors(&[("tenant", "malformed")]);
    let long = "x".repeat(1001);
    service.sign_in(TENANT, &long, PASSWORD).await.has_errors(&[("email", "too-long")]);
    service.sign_in(TENANT, EMAIL, &long).await.has_errors(&[("password", "too-long")]);
    let url = service.url("/v1/accounts/sign-in");
    let reply = reply(service.client.request(Method::POST, url).json(&json!({ "email": EMAIL }))).await;
    reply.is_problem(400, "malformed-body");
}

#[tokio::test]
async fn a_service_without_a_signing_key_says_that_it_signs_nobody_in() {
    let database = TestDatabase::create().await;
    let service = Service::start_with(&database, |config| {
        config.once.once_secret = Some(SECRET.into());
        config.auth =
            AuthConfig { jwks_url: Some("https://127.0.0.1:9/keys".into()), ..AuthConfig::default() };
    })
    .await;
    service.sign_in(TENANT, EMAIL, PASSWORD).await.is_problem(501, "no-signing-key");
}

#[tokio::test]
async fn a_password_is_in_no_table_but_its_own_and_there_as_argon2id_only() {
    let database = TestDatabase::create().await;
    let (service, id) = (Service::start_on(&database).await, new_id());
    let token = token(TENANT, "accounts:write", std::time::Duration::from_secs(60));
    let url = service.url("/v1/accounts/register-user");
    let request = service.client.post(url).bearer_auth(token).header("idempotency-key", "one");
    let first = reply(request.try_clone().unwrap().json(&registering(&id))).await;
    assert_eq!(first.status.as_u16(), 201);
    // The hash that is kept with the key knows nothing of the password either.
    let mut other = registering(&id);
    other["password"] = json!("another passphrase");
    let repeated = reply(request.json(&other)).await;
    assert_eq!((repeated.status.as_u16(), repeated.body), (201, first.body));
    let pool = database.pool().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(tables.contains(&"public.passwords".to_owned()));
    let hex = "correct horse".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for table in tables {
        let statement = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} AS t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&pool).await.unwrap();
        assert!(!text.contains("correct horse") && !text.contains(&hex), "{table}");
        assert_eq!(text.contains("argon2"), table == "public.passwords", "{table}");
    }
    let hash: String = sqlx::query_scalar("SELECT hash FROM passwords").fetch_one(&pool).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn a_password_is_in_no_answer_that_explains_what_is_wrong() {
    let service = Service::start().await;
    let token = token(TENANT, "accounts:write", std::time::Duration::from_secs(60));
    for password in [json!("tooshort"), json!(["tooshort"]), json!({ "tooshort": 1 })] {
        let body = json!({ "email": EMAIL, "name": "Ann", "password": password });
        let url = service.url("/v1/accounts/register-user");
        let answer = reply(service.client.post(url).bearer_auth(&token).json(&body)).await;
        assert!(answer.status.is_client_error());
        assert!(!answer.body.to_string().contains("tooshort"), "{}", answer.body);
    }
    let url = service.url("/v1/accounts/register-user?dry_run=true");
    let answer = reply(service.client.post(url).bearer_auth(&token).json(&registering(&new_id()))).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert!(!answer.body.to_string().contains("correct horse"), "{}", answer.body);
}
