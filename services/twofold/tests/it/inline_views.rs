//! `twofold verify views` holds inline views against the log.

use std::process::Stdio;
use std::time::Duration;

use command_service::CommandService;
use reqwest::{Client, StatusCode};
use serde_json::json;
use service_runtime::CancellationToken;
use sqlx::PgPool;
use test_servers::TestDatabase;
use tokio::process::Command;
use uuid::Uuid;

const ANN: Uuid = Uuid::from_u128(0xa1);
const BOB: Uuid = Uuid::from_u128(0xb1);
const PATIENCE: Duration = Duration::from_secs(60);

/// A log with users in it, and nothing else of a system.
struct Users {
    log: TestDatabase,
    views: TestDatabase,
    pool: PgPool,
}

impl Users {
    /// Two tenants with users of the same ids, told by a command-service of the shipped contexts.
    async fn of_two_tenants() -> Self {
        let (log, views) = (TestDatabase::create().await, TestDatabase::create().await);
        let secret = http_api::auth::generate_secret();
        let key = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(key.path(), service_runtime::config::ExposeSecret::expose_secret(&secret)).unwrap();
        let given = [
            ("--listen", "127.0.0.1:0"),
            ("--log-url", log.url()),
            ("--jwt-secret-file", key.path().to_str().unwrap()),
        ];
        let given = given.iter().flat_map(|(name, value)| [*name, *value]);
        let config = clap_config(std::iter::once("command-service").chain(given));
        let service = CommandService::build(config).await.unwrap();
        let (address, token) = (service.address(), CancellationToken::new());
        let running = tokio::spawn(service.run(token.clone()));
        let client = Client::new();
        let ready = async {
            let url = format!("http://{address}/readyz");
            while client.get(&url).send().await.unwrap().status() != StatusCode::OK {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("the command-service becomes ready");
        for tenant in ["acme", "globex"] {
            let claims = http_api::Claims::new(
                &kernel::TenantId::new(tenant).unwrap(),
                "tester",
                "accounts:write",
                Duration::from_secs(600),
            );
            let token = http_api::mint(&secret, &claims).unwrap();
            for (id, name) in [(ANN, "Ann"), (BOB, "Bob")] {
                let user = json!({
                    "user_id": id, "name": format!("{name} of {tenant}"), "password": "correct horse battery",
                    "email": format!("{name}@example.com"),
                });
                let url = format!("http://{address}/v1/accounts/register-user");
                let answer = client.post(url).bearer_auth(&token).json(&user).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::CREATED);
            }
        }
        token.cancel();
        running.await.unwrap().unwrap();
        let pool = log.pool().await;
        Self { log, views, pool }
    }

    /// What `twofold verify views` says of them, and whether all is as it should be.
    async fn verified(&self) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_twofold"))
            .args(["verify", "views", "--all", "--view", "users"])
            .env("TWOFOLD_LOG_URL", self.log.url())
            .env("TWOFOLD_VIEWS_URL", self.views.url())
            .env("TWOFOLD_REDIS_URL", test_servers::redis().url)
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.success(), told)
    }

    async fn happens(&self, statement: &'static str) {
        let done = sqlx::query(statement).execute(&self.pool).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement}");
    }
}

fn clap_config(
    given: impl Iterator<Item = impl Into<std::ffi::OsString> + Clone>,
) -> command_service::Config {
    use clap::{Args, FromArgMatches};
    let command = command_service::Config::augment_args(clap::Command::new("command-service"));
    let matches = command.try_get_matches_from(given).unwrap();
    command_service::Config::from_arg_matches(&matches).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_row_of_an_inline_view_is_named_with_its_tenant_and_no_other() {
    let users = Users::of_two_tenants().await;
    let (equal, told) = users.verified().await;
    assert!(equal, "{told}");
    assert!(told.contains("users v1 in the log's database: 4 rows compared"), "{told}");

    users
        .happens(
            "UPDATE inline_rows SET row = jsonb_set(row, '{post_count}', '7')
              WHERE row ->> 'name' = 'Ann of globex'",
        )
        .await;
    let (equal, told) = users.verified().await;
    assert!(!equal, "{told}");
    assert!(told.contains(&format!("row {ANN} of globex is not what the log folds to")), "{told}");
    assert!(told.contains("4 rows compared, 1 differ"), "{told}");
    assert!(!told.contains("acme is not"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_missing_and_one_that_reflects_another_event_are_named() {
    let users = Users::of_two_tenants().await;
    users.happens("DELETE FROM inline_rows WHERE row ->> 'name' = 'Bob of acme'").await;
    users.happens("UPDATE inline_rows SET stamp = stamp - 1 WHERE row ->> 'name' = 'Bob of globex'").await;
    let (equal, told) = users.verified().await;
    assert!(!equal, "{told}");
    for tenant in ["acme", "globex"] {
        assert!(told.contains(&format!("row {BOB} of {tenant} is not what the log folds to")), "{told}");
    }
    assert!(told.contains("2 differ"), "{told}");
}
