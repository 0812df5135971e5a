//! Commands a second: `create-product` of one tenant, beside the same command written by hand.
//!
//! Both servers run all the time on one Postgres, in a database each, and take turns under load, so that what
//! the machine does meanwhile happens to both.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use local_servers::{Port, Servers, Wanted};
use serde_json::json;

use crate::connection::{Connection, post};
use crate::load::{Round, closed_loop};
use crate::report;
use crate::system::{JWT_SECRET, Process, create_database, on_servers};

const PATH: &str = "/v1/catalog/create-product";

/// How to load.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Connections at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Seconds of each side's turn.
    #[arg(long, default_value = "10", value_parser = crate::seconds)]
    seconds: Duration,
    /// Turns of each side.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    turns: u16,
}

/// Runs it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let wanted = Wanted { postgres: Some(Port::Free), ..Wanted::default() };
    on_servers(wanted, async |servers| measure(&options, servers).await).await
}

async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<()> {
    let postgres = servers.postgres.as_deref().context("Postgres was not started")?;
    let conditions = report::conditions(postgres).await?;
    let log_url = create_database(postgres, "twofold_log").await?;
    let hand_url = create_database(postgres, "hand_written").await?;
    let environment =
        [("TWOFOLD_LOG_URL", log_url.as_str()), ("TWOFOLD_JWT_SECRET", JWT_SECRET), ("TWOFOLD_LOG", "warn")];
    let twofold = Process::service("command-service", &environment).await?;
    let hand = Process::hand_written(&hand_url).await?;
    let token = crate::system::token("bench")?;
    let category = create_category(twofold.address, &token).await?;

    let made = Rc::new(Cell::new(0_u64));
    let request = |token: Option<String>| -> Rc<dyn Fn() -> Vec<u8>> {
        let (made, category) = (Rc::clone(&made), category.clone());
        Rc::new(move || {
            made.set(made.get() + 1);
            post(PATH, token.as_deref(), &product(made.get(), &category))
        })
    };
    let (ours, theirs) = (request(Some(token)), request(None));
    let (mut twofold_total, mut hand_total) = (Round::empty()?, Round::empty()?);
    let connections = usize::from(options.connections);
    let warm_up = Duration::from_secs(3);
    closed_loop(hand.address, connections, warm_up, 201, Rc::clone(&theirs)).await?;
    closed_loop(twofold.address, connections, warm_up, 201, Rc::clone(&ours)).await?;
    for turn in 1..=options.turns {
        let round = closed_loop(hand.address, connections, options.seconds, 201, Rc::clone(&theirs)).await?;
        eprintln!("turn {turn}: hand-written {:.0}/s", round.rate());
        hand_total.add(&round)?;
        let round = closed_loop(twofold.address, connections, options.seconds, 201, Rc::clone(&ours)).await?;
        eprintln!("turn {turn}: twofold {:.0}/s", round.rate());
        twofold_total.add(&round)?;
    }
    let peaks: Vec<_> = [&twofold, &hand].into_iter().filter_map(Process::peak_resident).collect();
    twofold.stop().await?;
    hand.stop().await?;
    report::keep(
        &format!("commands-{connections}"),
        &json!({
            "measure": "create-product over HTTP, one tenant, write side alone, durability on, load on the same cores",
            "connections": connections,
            "conditions": conditions,
            "twofold": report::side(&twofold_total),
            "hand_written": report::side(&hand_total),
            "rate_ratio": twofold_total.rate() / hand_total.rate(),
            "latency_ratio": report::latency_ratio(&twofold_total, &hand_total),
            "peak_resident_mib": peaks,
        }),
    )
}

/// Makes the category that all products go to, and gives its id.
pub(crate) async fn create_category(address: SocketAddr, token: &str) -> anyhow::Result<String> {
    let request = post("/v1/catalog/create-category", Some(token), r#"{"name":"Bench"}"#);
    let mut connection = Connection::open(address).await?;
    let answer = connection.send(&request).await?;
    ensure!(answer.status == 201, "create-category: {}", String::from_utf8_lossy(answer.body));
    let answer: serde_json::Value = serde_json::from_slice(answer.body)?;
    Ok(answer["id"].as_str().context("create-category answered no id")?.to_owned())
}

/// The body of the `number`th product of a run.
pub(crate) fn product(number: u64, category: &str) -> String {
    format!(
        r#"{{"sku":"SKU-{number:09}","name":"Bench product {number}","category_id":"{category}","price":{{"amount":1999,"currency":"EUR"}}}}"#
    )
}
