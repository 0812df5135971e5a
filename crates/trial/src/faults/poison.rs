//! What cannot be applied: a record that is no event, and a row that no event can be folded into.

use std::time::Duration;

use anyhow::Context as _;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::client::Operation;
use crate::system::{System, TOPICS};
use crate::workload::Shared;

/// Who does it, in the history.
const PROCESS: u32 = 9_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// A record without anything that events have.
pub(super) async fn publish_garbage(brokers: &str, lane: u16) -> anyhow::Result<()> {
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    let topic = format!("{TOPICS}.catalog.events");
    let garbage = FutureRecord::to(&topic).partition(lane.into()).key("who").payload("what");
    producer.send(garbage, PATIENCE).await.map_err(|(error, _)| error)?;
    Ok(())
}

/// Takes from a row of the view of stock what the fold cannot do without and no query shows. The next event of the
/// product is then parked, and all that follow it.
pub(super) async fn spoil_a_row(
    system: &System,
    shared: &Shared,
    tenant: usize,
    product: usize,
) -> anyhow::Result<()> {
    let setting = shared.settings.get(tenant).context("no such tenant")?;
    let product = *setting.products.get(product).context("no such product")?;
    let mut connection = PgConnection::connect(&system.views_url).await?;
    let spoilt = "UPDATE serving.stock SET row = row - 'kind' WHERE tenant = $1 AND key = $2";
    let done = sqlx::query(spoilt).bind(&setting.tenant.name).bind(product.to_string());
    done.execute(&mut connection).await?;
    connection.close().await?;
    let operation = Operation {
        id: Uuid::new_v4(),
        command: "catalog/receive-stock",
        about: product.to_string(),
        body: json!({"product_id": product, "location": "main", "quantity": 1}),
        misuse: false,
    };
    shared.client.attempt(PROCESS, &setting.tenant, &operation).await;
    Ok(())
}
