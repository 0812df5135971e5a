//! A registry that knows the catalog's schemas, and can be away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use catalog::CatalogEvent;
use kernel::EventSet as _;
use tokio::net::TcpListener;

/// The id of an event type's schema.
pub(crate) fn schema_id(event_type: &str) -> u32 {
    let place = CatalogEvent::SCHEMAS.iter().position(|(name, _)| *name == event_type).unwrap();
    100 + u32::try_from(place).unwrap()
}

pub(crate) struct Registry {
    pub(crate) url: String,
    away: Arc<AtomicBool>,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        let away = Arc::new(AtomicBool::new(false));
        let router = Router::new().route("/schemas/ids/{id}", get(schema)).with_state(Arc::clone(&away));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, away }
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }
}

async fn schema(
    State(away): State<Arc<AtomicBool>>,
    Path(id): Path<usize>,
) -> (StatusCode, Json<serde_json::Value>) {
    if away.load(Ordering::SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({})));
    }
    match id.checked_sub(100).and_then(|place| CatalogEvent::SCHEMAS.get(place)) {
        Some((_, json)) => (StatusCode::OK, Json(serde_json::json!({ "schema": json }))),
        None => {
            let unknown = serde_json::json!({ "error_code": 40403, "message": "Schema not found" });
            (StatusCode::NOT_FOUND, Json(unknown))
        }
    }
}
