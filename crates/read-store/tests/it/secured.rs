//! Stores that show a certificate and ask for a password. Some of the tests' own: the run's have no TLS.

use std::path::PathBuf;

use kernel::TenantId;
use local_servers::{Home, Port, Secured, Servers, Wanted};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use read_store::{RedisReader, StoreError, postgres_for_rows};
use tempfile::TempDir;

const PASSWORD: &str = "correct-horse";
const WRONG: &str = "hunter2-battery";

struct World {
    folder: TempDir,
    secured: Secured,
    servers: Servers,
    _home: Home,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl World {
    /// Of these servers, with a certificate for `localhost` from an authority that is in `ca.pem`.
    async fn start(wanted: Wanted) -> Self {
        let (folder, home) = (tempfile::tempdir().unwrap(), Home::throw_away().await.unwrap());
        let believed = authority("believed");
        let key = KeyPair::generate().unwrap();
        let shown = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let shown = shown.signed_by(&key, &believed).unwrap();
        let secured = Secured::new(&shown.pem(), &key.serialize_pem(), "keeper", PASSWORD).unwrap();
        let servers = Servers::start_secured(&home, wanted, &secured).await.unwrap();
        std::fs::write(folder.path().join("ca.pem"), believed.pem()).unwrap();
        std::fs::write(folder.path().join("stranger.pem"), authority("stranger").pem()).unwrap();
        Self { folder, secured, servers, _home: home }
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// The URL of Redis with this password and authority.
    fn redis(&self, password: &str, authority: &str) -> String {
        let port = self.secured.redis_port();
        format!("rediss://keeper:{password}@localhost:{port}/?sslrootcert={}", self.path(authority))
    }
}

fn without_secrets(said: &str) -> &str {
    assert!(!said.contains(PASSWORD) && !said.contains(WRONG), "{said}");
    said
}

async fn probed(url: &str) -> String {
    match RedisReader::new(url, "test").unwrap().lane_of(&TenantId::new("t1").unwrap()).await {
        Ok(_) => "let in".to_owned(),
        Err(error) => without_secrets(&format!("{error} {error:?}")).to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_spoken_to_over_tls_with_the_right_authority_and_password_only() {
    let world = World::start(Wanted { redis: Some(Port::Free), ..Wanted::default() }).await;
    assert_eq!(probed(&world.redis(PASSWORD, "ca.pem")).await, "let in");
    let said = probed(&world.redis(WRONG, "ca.pem")).await;
    assert!(said.contains("refused the password"), "{said}");
    let said = probed(&world.redis(PASSWORD, "stranger.pem")).await;
    assert!(said.contains("UnknownIssuer"), "{said}");
    let plain = world.redis(PASSWORD, "").replace("rediss://", "redis://");
    let (plain, _) = plain.split_once('?').unwrap();
    assert_ne!(probed(plain).await, "let in");
    world.servers.stop().await;
}

#[tokio::test]
async fn a_redis_url_that_would_not_check_certificates_is_no_url() {
    let refused = |url: &str| RedisReader::new(url, "test").unwrap_err();
    for url in [
        "rediss://keeper:hunter2-battery@localhost/#insecure",
        "redis://keeper:hunter2-battery@localhost/?sslrootcert=/dev/null",
        "rediss://keeper:hunter2-battery@localhost/?sslrootcert=/no/such/file",
    ] {
        let error = refused(url);
        assert!(matches!(error, StoreError::Misconfigured(_)), "{error:?}");
        without_secrets(&format!("{error} {error:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_spoken_to_over_tls_with_the_right_authority_and_password_only() {
    let world = World::start(Wanted { postgres: Some(Port::Free), ..Wanted::default() }).await;
    let plain = world.servers.postgres.clone().unwrap();
    let password = plain.split(['@', ':']).nth(2).unwrap().to_owned();
    let url = plain.replace("127.0.0.1", "localhost");
    let verified =
        |authority: &str| format!("{url}?sslmode=verify-full&sslrootcert={}", world.path(authority));
    let asked = async |url: &str| {
        let pool = postgres_for_rows(url, 1).unwrap();
        let uses: Result<bool, _> =
            sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                .fetch_one(&pool)
                .await;
        uses.map_err(|error| {
            let said = format!("{error} {error:?}");
            assert!(!said.contains(&password), "{said}");
            without_secrets(&said).to_owned()
        })
    };
    assert!(asked(&verified("ca.pem")).await.unwrap());
    assert!(asked(&url).await.unwrap(), "TLS is taken where it is offered");
    let said = asked(&verified("stranger.pem")).await.unwrap_err();
    assert!(said.contains("UnknownIssuer"), "{said}");
    let said = asked(&verified("ca.pem").replace("localhost", "127.0.0.1")).await.unwrap_err();
    assert!(said.contains("NotValidForName"), "{said}");
    let said = asked(&format!("{url}?sslmode=disable")).await.unwrap_err();
    assert!(said.contains("no encryption"), "{said}");
    let said = asked(&verified("ca.pem").replace(&password, WRONG)).await.unwrap_err();
    assert!(said.contains("password authentication failed"), "{said}");
    world.servers.stop().await;
}
