//! Waits until everything that was recorded is published, folded and acted on, and looks at all of it.

use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep};

use crate::check::LAST_LOOK;
use crate::history::{About, Token};
use crate::system::System;
use crate::workload::Shared;

const LOOK: Duration = Duration::from_millis(500);
/// How often the last query of a thing is asked again while it is refused.
const ASKS: u32 = 10;

/// Letters are retried meanwhile, as an operator does. Says what is not even when patience ends.
pub(crate) async fn wait(system: &System, patience: Duration) -> anyhow::Result<Result<(), String>> {
    let deadline = Instant::now() + patience;
    loop {
        let uneven = match what_is_uneven(system).await {
            Ok(None) => return Ok(Ok(())),
            Ok(Some(what)) => what,
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() > deadline {
            return Ok(Err(uneven));
        }
        sleep(LOOK).await;
    }
}

async fn what_is_uneven(system: &System) -> anyhow::Result<Option<String>> {
    if !system.told(&["dead-letters", "list", "--json"]).await?.trim().is_empty() {
        system.told(&["dead-letters", "retry", "--all"]).await?;
        return Ok(Some("there are dead letters".to_owned()));
    }
    let mut log = PgConnection::connect(&system.log_url).await?;
    // Whatever process runs for an order has ended when the order is final.
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FILTER (WHERE type = 'OrderPlaced') -
                count(*) FILTER (WHERE type IN ('OrderConfirmed', 'OrderRejected', 'OrderCancelled'))
           FROM events",
    )
    .fetch_one(&mut log)
    .await?;
    log.close().await?;
    if open != 0 {
        return Ok(Some(format!("{open} orders are not final")));
    }
    let lag: Value = serde_json::from_str(&system.told(&["lag", "--json"]).await?)?;
    let behind = |of: &Value, what: &str| {
        let lags = of.as_array().map(Vec::as_slice).unwrap_or_default();
        lags.iter().find(|lag| lag[what] != 0).map(ToString::to_string)
    };
    Ok(behind(&lag["logs"], "unpublished").or_else(|| behind(&lag["views"], "lag")))
}

/// Asks for everything that clients asked for, naming the end of each log.
pub(crate) async fn look_at_everything(system: &System, shared: &Shared) -> anyhow::Result<()> {
    let mut log = PgConnection::connect(&system.log_url).await?;
    let of_tenant = "SELECT logs.context, logs.lane, logs.sequence FROM logs JOIN tenants USING (lane)
                     WHERE tenants.tenant = $1";
    for setting in &shared.settings {
        let tenant = &setting.tenant;
        let ends: Vec<(String, i32, i64)> =
            sqlx::query_as(of_tenant).bind(&tenant.name).fetch_all(&mut log).await?;
        let orders = "SELECT DISTINCT substr(stream, 7) FROM events JOIN tenants USING (tenant_id)
                      WHERE tenant = $1 AND type = 'OrderPlaced'";
        let orders: Vec<String> = sqlx::query_scalar(orders).bind(&tenant.name).fetch_all(&mut log).await?;
        let mut asked: Vec<(String, About, String)> = Vec::new();
        for id in setting.products.iter().chain(&setting.registers) {
            asked.push((format!("/v1/catalog/products/{id}"), About::Product, id.to_string()));
            asked.push((format!("/v1/catalog/stock/{id}"), About::Stock, id.to_string()));
        }
        for (id, _) in &setting.groups {
            asked.push((format!("/v1/travel/groups/{id}"), About::Group, id.to_string()));
        }
        for id in &setting.users {
            asked.push((format!("/v1/accounts/users/{id}"), About::User, id.to_string()));
        }
        for id in orders {
            asked.push((format!("/v1/orders/{id}"), About::Order, id));
        }
        asked.push(("/v1/catalog/products?limit=100".to_owned(), About::Products, String::new()));
        for (path, about, id) in asked {
            let context = path.split('/').nth(2).unwrap_or_default();
            let end = ends.iter().find(|(name, _, _)| name == context);
            let end = end.map(|(context, lane, sequence)| {
                anyhow::Ok(Token {
                    context: context.clone(),
                    lane: (*lane).try_into()?,
                    sequence: (*sequence).try_into()?,
                })
            });
            let end = end.transpose()?;
            for attempt in 1..=ASKS {
                // Only the last attempt counts as the last look; those before may meet a connection that broke long ago.
                let process = if attempt == ASKS { LAST_LOOK } else { LAST_LOOK - 1 };
                let asked = shared.client.query(process, tenant, &path, (about, &id), end.as_ref());
                if asked.await.is_some() {
                    break;
                }
                sleep(LOOK).await;
            }
        }
    }
    log.close().await?;
    Ok(())
}
