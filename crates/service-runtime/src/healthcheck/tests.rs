use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::TlsConfig;
use crate::tls::tests::Authority;
use crate::{DRAIN_TIMEOUT, Health, bind, ops_router, serve};

/// Runs a service with this health on every address, and asks it.
async fn asked(health: Health) -> Result<(), Unhealthy> {
    asked_over(TlsConfig::default(), health).await
}

async fn asked_over(tls: TlsConfig, health: Health) -> Result<(), Unhealthy> {
    let with_tls = tls.files().is_some();
    let listener = bind(&ListenConfig { listen: "0.0.0.0:0".parse().unwrap(), tls }).await.unwrap();
    let listen = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, ops_router(health), stop.clone(), DRAIN_TIMEOUT));
    let answer = tokio::task::spawn_blocking(move || ask(listen, with_tls)).await.unwrap();
    stop.cancel();
    served.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_service_that_is_ready_is_healthy() {
    let health = Health::new();
    health.dependency("postgres").ready();
    asked(health).await.unwrap();
}

#[tokio::test]
async fn a_service_that_speaks_tls_is_asked_over_tls_whatever_name_its_certificate_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let health = Health::new();
    let postgres = health.dependency("postgres");
    let tls = Authority::new("believed").issue(&folder, "command-service");
    let why = asked_over(tls.clone(), health.clone()).await.unwrap_err().to_string();
    assert!(why.contains("postgres"), "{why}");
    postgres.ready();
    asked_over(tls, health).await.unwrap();
}

#[tokio::test]
async fn a_service_that_waits_is_unhealthy_and_says_what_for() {
    let health = Health::new();
    health.dependency("postgres");
    let why = asked(health).await.unwrap_err().to_string();
    assert!(why.starts_with("HTTP/1.1 503") && why.contains(r#""name":"postgres""#), "{why}");
}

#[tokio::test]
async fn where_nobody_listens_nobody_is_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = listener.local_addr().unwrap();
    drop(listener);
    let why = tokio::task::spawn_blocking(move || ask(listen, false)).await.unwrap().unwrap_err();
    assert!(matches!(why, Unhealthy::Silent { address, .. } if address == listen), "{why}");
}

#[test]
fn what_answers_nonsense_is_unhealthy() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
    });
    assert!(matches!(ask(listen, false), Err(Unhealthy::NotReady(_))));
    answering.join().unwrap();
}
