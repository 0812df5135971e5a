//! The yardstick: `create-product` as a good engineer writes it by hand, with axum and sqlx.
//!
//! A pool of 32 connections, one transaction per command, in it the event row and the outbox row. No
//! authentication, no once-only keys, no claims, no chain: it does less than Twofold does.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

const TABLES: &str = "
    CREATE TABLE events (
        position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id UUID NOT NULL,
        stream TEXT NOT NULL,
        version INT NOT NULL,
        type TEXT NOT NULL,
        payload JSONB NOT NULL,
        recorded_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        UNIQUE (stream, version)
    );
    CREATE TABLE outbox (
        position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id UUID NOT NULL,
        topic TEXT NOT NULL,
        key TEXT NOT NULL,
        payload JSONB NOT NULL
    );";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateProduct {
    sku: String,
    name: String,
    category_id: Uuid,
    price: Money,
}

#[derive(Debug, Serialize, Deserialize)]
struct Money {
    amount: i64,
    currency: String,
}

#[derive(Debug, Serialize)]
struct Created {
    stream: String,
    id: Uuid,
    version: i32,
}

/// Serves until the process is ended.
pub(crate) async fn serve(database_url: &str, listen: SocketAddr) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new()
        .min_connections(32)
        .max_connections(32)
        .connect(database_url)
        .await
        .context("connect to the yardstick's database")?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    let router = Router::new()
        .route("/healthz", axum::routing::get(async || StatusCode::OK))
        .route("/v1/catalog/create-product", post(create_product))
        .with_state(Arc::new(pool));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |io| drop(io.set_nodelay(true))), router).await?;
    Ok(())
}

async fn create_product(
    State(pool): State<Arc<PgPool>>,
    Json(command): Json<CreateProduct>,
) -> Result<(StatusCode, Json<Created>), (StatusCode, String)> {
    if command.sku.is_empty() || command.name.is_empty() || command.price.amount <= 0 {
        return Err((StatusCode::UNPROCESSABLE_ENTITY, "invalid".to_owned()));
    }
    record(&pool, &command)
        .await
        .map(|created| (StatusCode::CREATED, Json(created)))
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn record(pool: &PgPool, command: &CreateProduct) -> Result<Created, sqlx::Error> {
    let id = Uuid::now_v7();
    let event_id = Uuid::now_v7();
    let stream = format!("product-{id}");
    let payload = sqlx::types::Json(command);
    let mut transaction = pool.begin().await?;
    sqlx::query(
        "INSERT INTO events (id, stream, version, type, payload) VALUES ($1, $2, 1, 'ProductCreated', $3)",
    )
    .bind(event_id)
    .bind(&stream)
    .bind(payload)
    .execute(&mut *transaction)
    .await?;
    sqlx::query("INSERT INTO outbox (event_id, topic, key, payload) VALUES ($1, 'catalog.events', $2, $3)")
        .bind(event_id)
        .bind(&stream)
        .bind(payload)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Created { stream, id, version: 1 })
}
