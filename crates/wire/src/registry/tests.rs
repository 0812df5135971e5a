use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

const SCHEMA: &str = r#"{"type":"record","name":"R","namespace":"n","fields":[]}"#;

/// A server that answers each connection's one request with the next of `answers`, and tells what it was asked.
async fn serving(answers: Vec<(u16, String)>) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap());
    let (asked, questions) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65536];
            let length = socket.read(&mut request).await.unwrap();
            let line =
                String::from_utf8_lossy(&request[..length]).lines().next().unwrap_or_default().to_owned();
            let _ = asked.send(line);
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = socket.write_all((head + &body).as_bytes()).await;
        }
    });
    (url, questions)
}

#[tokio::test]
async fn equal_questions_are_asked_once() {
    let (url, mut questions) = serving(vec![(200, r#"{"id":7}"#.to_owned())]).await;
    let client = RegistryClient::new(&url).unwrap();
    let ids = tokio::join!(
        client.register("t-n.R", SCHEMA),
        client.register("t-n.R", SCHEMA),
        client.register("t-n.R", SCHEMA)
    );
    assert_eq!((ids.0.unwrap(), ids.1.unwrap(), ids.2.unwrap()), (7, 7, 7));
    assert_eq!(questions.recv().await.unwrap(), "POST /base/subjects/t-n.R/versions HTTP/1.1");
    assert!(questions.recv().await.is_none());
}

#[tokio::test]
async fn a_schema_comes_with_its_fingerprint() {
    let body = serde_json::json!({ "schema": SCHEMA }).to_string();
    let (url, mut questions) = serving(vec![(200, body)]).await;
    let client = RegistryClient::new(&url).unwrap();
    let schema = client.schema_by_id(3).await.unwrap();
    assert_eq!(schema.fingerprint, schema::fingerprint(SCHEMA).unwrap());
    assert_eq!(client.schema_by_id(3).await.unwrap(), schema);
    assert_eq!(questions.recv().await.unwrap(), "GET /base/schemas/ids/3 HTTP/1.1");
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
    let no = r#"{"error_code":40403,"message":"schema not found"}"#.to_owned();
    let answers = vec![(503, String::new()), (429, String::new()), (404, no), (200, "<html>".to_owned())];
    let (url, _questions) = serving(answers).await;
    let client = RegistryClient::new(&url).unwrap();
    for status in [503, 429] {
        let error = client.schema_by_id(1).await.unwrap_err();
        assert!(matches!(error, RegistryError::Unavailable { status: found } if found == status));
        assert!(error.is_retryable());
    }
    let error = client.schema_by_id(1).await.unwrap_err();
    assert!(matches!(error, RegistryError::Refused { code: 40403, .. }));
    assert!(error.is_not_found() && !error.is_retryable());
    assert!(matches!(client.schema_by_id(1).await, Err(RegistryError::Answer(_))));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (url, _questions) = serving(vec![(200, "x".repeat(2000))]).await;
    let options = RegistryOptions { largest_answer: 1000, ..RegistryOptions::default() };
    let client = RegistryClient::with_options(reqwest::Client::builder(), &url, &options).unwrap();
    assert!(matches!(client.schema_by_id(1).await, Err(RegistryError::Answer(_))));
}

#[tokio::test]
async fn a_registry_that_is_away_can_be_asked_again_and_its_password_stays_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = RegistryClient::new(&format!("http://user:pass-word@{address}")).unwrap();
    let error = client.check().await.unwrap_err();
    assert!(error.is_retryable());
    assert!(!format!("{error:?} {client:?}").contains("pass-word"));
    assert!(matches!(RegistryClient::new("localhost:8081"), Err(RegistryError::Url)));
}
