//! A log's service: answers histories as a command-service does, and is away until it is told of one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::CatalogEvent;
use http_api::{AuthConfig, OperatorConfig, OperatorTokens};
use kernel::EventSet as _;
use projection::LogSource;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{History, Record};

/// What the service knows: where each log ends, and its records.
#[derive(Default)]
struct Logs {
    told: BTreeMap<String, (Value, Vec<Value>)>,
}

type Shared = Arc<Mutex<Logs>>;

pub(crate) struct LogService {
    url: String,
    logs: Shared,
}

impl LogService {
    pub(crate) async fn start() -> Self {
        let logs = Shared::default();
        let router = Router::new()
            .route("/v1/ops/logs", get(heads))
            .route("/v1/ops/logs/{context}/{lane}/records", get(records))
            .with_state(Arc::clone(&logs));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, logs }
    }

    pub(crate) fn source(&self) -> LogSource {
        let config = OperatorConfig { ops_token: Some("token".into()), ops_token_file: None };
        let tokens = OperatorTokens::new(&config, &AuthConfig::default()).unwrap();
        LogSource::new(&self.url, tokens).unwrap()
    }

    /// The log holds all of this history, and its relay says that so much of it is published.
    pub(crate) fn holds(&self, history: &History, published: u64) {
        let head = json!({
            "log": history.log().to_string(),
            "epoch": history.epoch().0,
            "sequence": history.head().number(),
            "chain": history.chain().to_string(),
            "published_through": published,
        });
        let records = history.records.iter().map(described).collect();
        self.lock().told.insert(history.log().to_string(), (head, records));
    }

    fn lock(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap()
    }
}

fn described(record: &Record) -> Value {
    let value = bytes::Bytes::from(record.value.clone().unwrap());
    let (id, payload) = wire::unframe(&value).unwrap();
    let (_, json) = CatalogEvent::SCHEMAS[usize::try_from(id).unwrap() - 100];
    let headers: BTreeMap<&str, &str> =
        record.headers.iter().map(|(name, value)| (*name, std::str::from_utf8(value).unwrap())).collect();
    json!({
        "key": record.key,
        "headers": headers,
        "timestamp": 0,
        "schema": format!("{:016x}", wire::fingerprint(json).unwrap().0),
        "payload": STANDARD.encode(payload),
    })
}

fn away() -> (StatusCode, Json<Value>) {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"type": "/problems/unavailable"})))
}

async fn heads(State(logs): State<Shared>) -> (StatusCode, Json<Value>) {
    let logs = logs.lock().unwrap();
    if logs.told.is_empty() {
        return away();
    }
    let items: Vec<&Value> = logs.told.values().map(|(head, _)| head).collect();
    (StatusCode::OK, Json(json!({"items": items})))
}

#[derive(Deserialize)]
struct Range {
    after: usize,
    limit: usize,
}

async fn records(
    State(logs): State<Shared>,
    Path((context, lane)): Path<(String, u16)>,
    Query(Range { after, limit }): Query<Range>,
) -> (StatusCode, Json<Value>) {
    let logs = logs.lock().unwrap();
    if logs.told.is_empty() {
        return away();
    }
    let Some((_, records)) = logs.told.get(&format!("{context}/{lane}")) else {
        return (StatusCode::NOT_FOUND, Json(json!({"type": "/problems/not-found", "title": "none"})));
    };
    let items: Vec<&Value> = records.iter().skip(after).take(limit).collect();
    let schemas: BTreeMap<String, &str> = CatalogEvent::SCHEMAS
        .iter()
        .map(|(_, json)| (format!("{:016x}", wire::fingerprint(json).unwrap().0), *json))
        .collect();
    (StatusCode::OK, Json(json!({"items": items, "schemas": schemas})))
}
