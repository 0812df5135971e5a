use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{ListenConfig, TlsConfig, TrustConfig};
use crate::{BindError, DRAIN_TIMEOUT, bind, serve};

/// An authority of one test's own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for this name, in files.
    pub(crate) fn issue(&self, folder: &TempDir, name: &str) -> TlsConfig {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        let tls = TlsConfig {
            tls_cert: Some(folder.path().join("tls.crt")),
            tls_key: Some(folder.path().join("tls.key")),
        };
        let (cert, private) = tls.files().unwrap();
        std::fs::write(cert, certificate.pem()).unwrap();
        std::fs::write(private, key.serialize_pem()).unwrap();
        tls
    }

    fn trust(&self, folder: &TempDir) -> TrustConfig {
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, self.0.pem()).unwrap();
        TrustConfig { http_ca_file: Some(path) }
    }
}

struct Running {
    address: SocketAddr,
    shown: Arc<Shown>,
    token: CancellationToken,
}

async fn serving(tls: TlsConfig) -> Running {
    let listener = bind(&ListenConfig { listen: "127.0.0.1:0".parse().unwrap(), tls }).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shown = Arc::clone(&listener.tls.as_ref().unwrap().shown);
    let token = CancellationToken::new();
    let router = Router::new().route("/", get(|| async { "here." }));
    tokio::spawn(serve(listener, router, token.clone(), DRAIN_TIMEOUT));
    Running { address, shown, token }
}

async fn asked(client: reqwest::ClientBuilder, url: &str) -> Result<String, String> {
    let told = |error: reqwest::Error| format!("{error:?}");
    client.build().unwrap().get(url).send().await.map_err(told)?.text().await.map_err(told)
}

#[tokio::test]
async fn who_believes_the_authority_is_answered_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("believed");
    let running = serving(authority.issue(&folder, "localhost")).await;
    let url = format!("https://localhost:{}/", running.address.port());
    assert_eq!(asked(authority.trust(&folder).http_client().unwrap(), &url).await.unwrap(), "here.");

    let other = tempfile::tempdir().unwrap();
    let stranger =
        asked(Authority::new("stranger").trust(&other).http_client().unwrap(), &url).await.unwrap_err();
    assert!(stranger.contains("UnknownIssuer"), "{stranger}");
    let system = asked(TrustConfig::default().http_client().unwrap(), &url).await.unwrap_err();
    assert!(system.contains("UnknownIssuer"), "{system}");
    running.token.cancel();
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("believed");
    let running = serving(authority.issue(&folder, "somebody-else")).await;
    let url = format!("https://localhost:{}/", running.address.port());
    let refused = asked(authority.trust(&folder).http_client().unwrap(), &url).await.unwrap_err();
    assert!(refused.contains("NotValidForName"), "{refused}");
}

#[tokio::test]
async fn plain_http_is_not_answered_where_tls_is_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let running = serving(Authority::new("believed").issue(&folder, "localhost")).await;
    asked(reqwest::Client::builder(), &format!("http://{}/", running.address)).await.unwrap_err();
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_without_a_restart_and_half_of_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let tls = before.issue(&folder, "localhost");
    let running = serving(tls.clone()).await;
    let url = format!("https://localhost:{}/", running.address.port());
    assert!(!running.shown.look().await.unwrap());

    let other = tempfile::tempdir().unwrap();
    let replaced = after.issue(&other, "localhost");
    std::fs::copy(replaced.files().unwrap().0, tls.files().unwrap().0).unwrap();
    let half = running.shown.look().await.unwrap_err().to_string();
    assert!(half.contains("does not go with"), "{half}");
    assert_eq!(asked(before.trust(&folder).http_client().unwrap(), &url).await.unwrap(), "here.");

    std::fs::copy(replaced.files().unwrap().1, tls.files().unwrap().1).unwrap();
    assert!(running.shown.look().await.unwrap());
    assert_eq!(asked(after.trust(&folder).http_client().unwrap(), &url).await.unwrap(), "here.");
    asked(before.trust(&folder).http_client().unwrap(), &url).await.unwrap_err();
}

#[tokio::test]
async fn a_key_of_another_certificate_stops_the_start() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut tls = Authority::new("believed").issue(&folder, "localhost");
    tls.tls_key = Authority::new("another").issue(&other, "localhost").tls_key;
    let error = bind(&ListenConfig { listen: "127.0.0.1:0".parse().unwrap(), tls }).await.unwrap_err();
    assert!(matches!(error, BindError::Tls(TlsError::Useless { .. })), "{error}");
}
