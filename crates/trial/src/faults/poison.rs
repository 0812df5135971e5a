//! What cannot be applied: a record that is no event, a row that no event can be folded into, a record that is gone.

use std::time::Duration;

use anyhow::Context as _;
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::Offset;
use serde_json::json;
use sqlx::Connection as _;
use uuid::Uuid;

use super::connect_again;
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

/// Deletes the records of a partition, as too short a retention does. The last one stays: by it a relay knows its place.
pub(super) async fn delete_all_but_the_last(brokers: &str, context: &str, lane: u16) -> anyhow::Result<()> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let (topic, partition) = (format!("{TOPICS}.{context}.events"), i32::from(lane));
    let asking = config.clone();
    let of = topic.clone();
    let (begin, end) = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = asking.create()?;
        consumer.fetch_watermarks(&of, partition, PATIENCE)
    })
    .await??;
    if end - begin < 2 {
        return Ok(());
    }
    let mut places = TopicPartitionList::new();
    places.add_partition_offset(&topic, partition, Offset::Offset(end - 1))?;
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    admin.delete_records(&places, &AdminOptions::new().operation_timeout(Some(PATIENCE))).await?;
    Ok(())
}

/// Takes from a row of the view of stock what the fold cannot do without and no query shows. The next event of the
/// product is then parked. In the end the row is mended, and still no event may get into it before that one does.
pub(super) async fn spoil_a_row(
    system: &System,
    shared: &Shared,
    (tenant, product): (usize, usize),
    lasts: Duration,
) -> anyhow::Result<()> {
    let setting = shared.settings.get(tenant).context("no such tenant")?;
    let product = *setting.products.get(product).context("no such product")?;
    let mut connection = connect_again(&system.views_url).await?;
    let spoilt = "UPDATE serving.stock SET row = row - 'kind' WHERE tenant = $1 AND key = $2";
    let done = sqlx::query(spoilt).bind(&setting.tenant.name).bind(product.to_string());
    done.execute(&mut connection).await?;
    let operation = Operation {
        id: Uuid::new_v4(),
        command: "catalog/receive-stock",
        about: product.to_string(),
        body: json!({"product_id": product, "location": "main", "quantity": 1}),
        misuse: false,
    };
    shared.client.attempt(PROCESS, &setting.tenant, &operation).await;
    tokio::time::sleep(lasts).await;
    let mended = r#"UPDATE serving.stock SET row = row || '{"kind": "product"}'
                     WHERE tenant = $1 AND key = $2 AND NOT row ? 'kind'"#;
    // Postgres may have crashed meanwhile.
    drop(connection);
    let mut connection = connect_again(&system.views_url).await?;
    let done = sqlx::query(mended).bind(&setting.tenant.name).bind(product.to_string());
    done.execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
