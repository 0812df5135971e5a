//! Acknowledged → visible: how long after its acknowledgement a command is in the answer to a query.
//!
//! Everything runs: command-service, relay, Apache Kafka, both projectors, query-service. Commands are sent at a
//! fixed rate whatever the answers do (open loop), each counted from when it was due. One in `sample` is followed
//! by a query for the new product that names the command's token and waits; its time counts from the
//! acknowledgement to the answer that has the product.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use local_servers::Servers;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::commands::{create_category, product};
use crate::connection::{Connection, get, post};
use crate::load::Round;
use crate::report;
use crate::system::{Whole, everything, on_servers, token};

/// At what rate, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Commands a second.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Seconds under load.
    #[arg(long, default_value = "30", value_parser = crate::seconds)]
    seconds: Duration,
    /// Seconds under the same load before that.
    #[arg(long, default_value = "20", value_parser = crate::seconds)]
    warm_up: Duration,
    /// One command in so many is followed by a query.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    sample: u32,
    /// Connections to each of the two services.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1024))]
    connections: u32,
}

/// Runs it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    on_servers(everything(), async |servers| measure(&options, servers).await).await
}

async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<()> {
    let conditions =
        report::conditions(servers.postgres.as_deref().context("Postgres was not started")?).await?;
    let whole = Whole::start(servers).await?;
    let idle = whole.resident();
    let token = token("bench")?;
    let category = create_category(whole.commands.address, &token).await?;
    let aim = Rc::new(Aim {
        commands: whole.commands.address,
        queries: whole.queries.address,
        token,
        category,
        sample: u64::from(options.sample),
    });
    // The first seconds of every cache and connection, and of the broker's compilers, are not what is measured.
    pace(&aim, options, options.warm_up, 0).await?;
    let Paced { commands, visible, last } = pace(&aim, options, options.seconds, 1 << 40).await?;
    let caught_up = caught_up(&aim, &last).await?;
    let peaks = whole.peak_resident();
    whole.stop().await?;
    report::keep(
        &format!("lag-{}", options.rate),
        &json!({
            "measure": "acknowledged to visible in the Redis view through HTTP, everything on the one machine, durability on",
            "offered_per_second": options.rate,
            "warmed_up_for_s": options.warm_up.as_secs(),
            "sampled": format!("1 in {}", options.sample),
            "conditions": conditions,
            "commands_from_due_time": report::side(&commands),
            "acknowledged_to_visible": report::side(&visible),
            "all_visible_after_the_last_command_ms": u64::try_from(caught_up.as_millis())?,
            "idle_resident_mib": idle,
            "peak_resident_mib": peaks,
        }),
    )
}

#[derive(Debug)]
struct Aim {
    commands: SocketAddr,
    queries: SocketAddr,
    token: String,
    category: String,
    sample: u64,
}

#[derive(Debug)]
struct Paced {
    commands: Round,
    visible: Round,
    /// The highest token that was answered.
    last: String,
}

/// Each connection takes every n-th tick, so that the ticks go on when one answer is late.
async fn pace(aim: &Rc<Aim>, options: &Options, length: Duration, first: u64) -> anyhow::Result<Paced> {
    let connections = u64::from(options.connections.min(options.rate));
    let ticks = u64::from(options.rate) * length.as_secs();
    let tick = Duration::from_secs(1) / options.rate;
    let began = Instant::now() + Duration::from_millis(200);
    let tasks = tokio::task::LocalSet::new();
    let mut running = JoinSet::new();
    for worker in 0..connections {
        let aim = Rc::clone(aim);
        let due = (worker..ticks).step_by(usize::try_from(connections)?);
        let due = due.map(move |number| (first + number, began + tick.saturating_mul(number as u32)));
        running.spawn_local_on(async move { work(&aim, due).await }, &tasks);
    }
    let mut total = Paced { commands: Round::empty()?, visible: Round::empty()?, last: String::new() };
    tasks
        .run_until(async {
            while let Some(finished) = running.join_next().await {
                let part = finished??;
                total.commands.add(&part.commands)?;
                total.visible.add(&part.visible)?;
                if sequence_of(&part.last) > sequence_of(&total.last) {
                    total.last = part.last;
                }
            }
            anyhow::Ok(())
        })
        .await?;
    total.commands.took = began.elapsed();
    total.visible.took = total.commands.took;
    Ok(total)
}

async fn work(aim: &Aim, due: impl Iterator<Item = (u64, Instant)>) -> anyhow::Result<Paced> {
    let mut commands = Connection::open(aim.commands).await?;
    let mut queries = Connection::open(aim.queries).await?;
    let mut paced = Paced { commands: Round::empty()?, visible: Round::empty()?, last: String::new() };
    for (number, at) in due {
        tokio::time::sleep_until(at.into()).await;
        let request = post("/v1/catalog/create-product", Some(&aim.token), &product(number, &aim.category));
        let answer = commands.send(&request).await?;
        let acknowledged = Instant::now();
        ensure!(answer.status == 201, "status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        paced.last = answer.sequence.context("an answer without Twofold-Sequence")?.to_owned();
        paced.commands.count(acknowledged.duration_since(at))?;
        if number % aim.sample == 0 {
            let answer: Value = serde_json::from_slice(answer.body)?;
            let id = answer["id"].as_str().context("an answer without id")?;
            let found = queries.send(&query(aim, id, &paced.last)).await?;
            ensure!(found.status == 200, "query: {} {}", found.status, String::from_utf8_lossy(found.body));
            paced.visible.count(acknowledged.elapsed())?;
        }
    }
    Ok(paced)
}

/// How long it takes until a query is answered that must include everything.
async fn caught_up(aim: &Aim, last: &str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut connection = Connection::open(aim.queries).await?;
    let headers = format!("twofold-after: {last}\r\nprefer: wait=30\r\n");
    let answer = connection.send(&get("/v1/catalog/categories", Some(&aim.token), &headers)).await?;
    ensure!(answer.status == 200, "the views are more than 30 s behind: status {}", answer.status);
    Ok(began.elapsed())
}

fn query(aim: &Aim, id: &str, after: &str) -> Vec<u8> {
    let headers = format!("twofold-after: {after}\r\nprefer: wait=30\r\n");
    get(&format!("/v1/catalog/products/{id}"), Some(&aim.token), &headers)
}

fn sequence_of(token: &str) -> u64 {
    token.rsplit_once('=').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}
