//! The whole system as it is deployed where nobody is trusted more than need be: every service over TLS, and each with a
//! role of the database that may do what it does.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor, PgPool};
use tokio::process::Command;
use uuid::Uuid;

use crate::migrate::{is_refused, works};
use crate::system::System;

const PASSWORD: &str = "correct-horse";

/// Roles that may connect, of this test alone: they belong to the server, not to a database.
struct Roles {
    writer: String,
    relay: String,
    reader: String,
    projector: String,
    manager: String,
}

impl Roles {
    async fn make(server: &PgPool) -> Self {
        let suffix = Uuid::new_v4().simple();
        let name = |role: &str| format!("{role}_{suffix}");
        let roles = Self {
            writer: name("writer"),
            relay: name("relay"),
            reader: name("reader"),
            projector: name("projector"),
            manager: name("manager"),
        };
        for role in [&roles.writer, &roles.relay, &roles.reader, &roles.projector, &roles.manager] {
            let made = format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'");
            server.execute(sqlx::query(AssertSqlSafe(made))).await.unwrap();
        }
        roles
    }
}

/// A database's URL as this role.
fn as_role(url: &str, role: &str) -> String {
    let (_, place) = url.split_once('@').unwrap();
    format!("postgres://{role}:{PASSWORD}@{place}")
}

fn database(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

async fn connected(url: &str) -> Result<PgPool, String> {
    PgPool::connect(url).await.map_err(|error| error.to_string())
}

/// A system whose databases were made by `twofold migrate`, and whose services have roles of their own.
async fn system() -> (System, Roles) {
    let mut system = System::made(&[]).await;
    let server = system.log.pool().await;
    let roles = Roles::make(&server).await;
    let owned = [(&system.views, &roles.projector), (&system.instances, &roles.manager)];
    for (of, owner) in owned {
        let owned = format!("ALTER DATABASE {} OWNER TO {owner}", database(of.url()));
        server.execute(sqlx::query(AssertSqlSafe(owned))).await.unwrap();
    }
    let (views, instances) =
        (as_role(system.views.url(), &roles.projector), as_role(system.instances.url(), &roles.manager));
    let migrated = Command::new(env!("CARGO_BIN_EXE_twofold"))
        .args(["migrate", "--writer", &roles.writer, "--relay", &roles.relay, "--reader", &roles.reader])
        .args(["--log-url", system.log.url(), "--views-url", &views, "--processes-url", &instances])
        .output()
        .await
        .unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let log = system.log.url().to_owned();
    system.tell("command-service", "TWOFOLD_LOG_URL", &as_role(&log, &roles.writer));
    system.tell("relay", "TWOFOLD_LOG_URL", &as_role(&log, &roles.relay));
    system.tell("projector-postgres", "TWOFOLD_VIEWS_URL", &views);
    system.tell("process-manager", "TWOFOLD_PROCESSES_URL", &instances);
    system.tell("query-service", "TWOFOLD_VIEWS_URL", &as_role(system.views.url(), &roles.reader));
    system.tell("query-service", "TWOFOLD_INLINE_URL", &as_role(&log, &roles.reader));
    (system, roles)
}

/// A product and a user, by command and by query: the log, the topic, both stores, inline views.
async fn works_through(system: &System) {
    let token = system.token("acme", "catalog:write catalog:read accounts:write accounts:read").await;
    let made = system
        .command("/v1/catalog/create-category", &token, &json!({ "name": "Books" }))
        .header("Idempotency-Key", "once")
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 201, "{}", made.text().await.unwrap());
    let after = made.headers()["twofold-sequence"].clone();
    let seen = system
        .query("/v1/catalog/categories", &token)
        .header("Twofold-After", after)
        .header("Prefer", "wait=30")
        .send()
        .await
        .unwrap();
    let (status, body) = (seen.status(), seen.text().await.unwrap());
    assert!(status == 200 && body.contains("Books"), "{status} {body}");

    let user = json!({ "email": "ada@example.org", "name": "Ada", "password": "correct horse battery" });
    let made = system.command("/v1/accounts/register-user", &token, &user).send().await.unwrap();
    let (status, body) = (made.status(), made.json::<serde_json::Value>().await.unwrap());
    assert_eq!(status, 201, "{body}");
    let path = format!("/v1/accounts/users/{}", body["id"].as_str().unwrap());
    let seen = system.query(&path, &token).send().await.unwrap();
    let (status, body) = (seen.status(), seen.text().await.unwrap());
    assert!(status == 200 && body.contains("Ada"), "{status} {body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_does_its_work_with_the_rights_of_its_own_role_and_has_no_others() {
    let (mut system, roles) = system().await;
    system.start_all().await;
    works_through(&system).await;

    let (log, views, instances) = (system.log.url(), system.views.url(), system.instances.url());
    let writer = connected(&as_role(log, &roles.writer)).await.unwrap();
    is_refused(&writer, "UPDATE events SET actor = 'nobody'").await;
    is_refused(&writer, "DELETE FROM events").await;
    is_refused(&writer, "TRUNCATE events").await;
    is_refused(&writer, "ALTER TABLE events DISABLE TRIGGER ALL").await;
    is_refused(&writer, "UPDATE logs SET epoch = gen_random_uuid()").await;
    is_refused(&writer, "UPDATE cursors SET published_through = 0").await;
    is_refused(&writer, "UPDATE schemas SET json = '{}'").await;
    is_refused(&writer, "UPDATE tenants SET lane = 0").await;
    is_refused(&writer, "UPDATE audit SET outcome = 'accepted'").await;
    is_refused(&writer, "TRUNCATE audit").await;
    is_refused(&writer, "DROP TABLE claims").await;
    is_refused(&writer, "CREATE TABLE mine (id int)").await;
    is_refused(&writer, "UPDATE event_log_migrations SET success = false").await;

    let relay = connected(&as_role(log, &roles.relay)).await.unwrap();
    works(&relay, "SELECT FROM events JOIN cursors USING (log_id)").await;
    is_refused(&relay, "INSERT INTO events SELECT * FROM events").await;
    is_refused(&relay, "DELETE FROM events").await;
    is_refused(&relay, "UPDATE logs SET sequence = 0").await;
    is_refused(&relay, "DELETE FROM cursors").await;
    is_refused(&relay, "SELECT FROM passwords").await;
    is_refused(&relay, "SELECT FROM once_keys").await;
    is_refused(&relay, "SELECT FROM inline_rows").await;
    is_refused(&relay, "CREATE TABLE mine (id int)").await;

    // What is not theirs they cannot even open.
    let everybody = [
        (&roles.writer, [views, instances]),
        (&roles.relay, [views, instances]),
        (&roles.reader, [instances, instances]),
        (&roles.projector, [log, instances]),
        (&roles.manager, [log, views]),
    ];
    for (role, others) in everybody {
        for url in others {
            let refused = connected(&as_role(url, role)).await.unwrap_err();
            assert!(refused.contains("permission denied for database"), "{role}: {refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_speaks_tls_to_clients_and_to_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "believed");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let shown =
        CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let path = |name: &str, content: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let (ca, cert) = (path("ca.pem", authority.pem()), path("tls.crt", shown.pem()));
    let private = path("tls.key", key.serialize_pem());
    let mut system = System::made(&[]).await;
    let files =
        [("TWOFOLD_HTTP_CA_FILE", &*ca), ("TWOFOLD_TLS_CERT", &*cert), ("TWOFOLD_TLS_KEY", &*private)];
    system.speak_tls(files, &authority.pem());
    let log = system.log.url().to_owned();
    system.tell("query-service", "TWOFOLD_INLINE_URL", &log);
    system.start_all().await;
    works_through(&system).await;
    // An operator's command line as well; and whoever does not know the authority is not spoken to.
    system.twofold(&["projections"]).await;
    reqwest::get(format!("{}/readyz", system.url("query-service"))).await.unwrap_err();
}
