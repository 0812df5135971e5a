//! Sustained: how many commands a second everything together carries without falling behind.
//!
//! Every service runs. Connections send as fast as they are answered, but no more than `window` commands may be
//! acknowledged and not yet in the rows of every view in every store; beyond that they wait for the slowest view. So
//! the rate that is measured is one that the whole path keeps up with, and the lag is bounded by the window.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use local_servers::Servers;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::commands::{create_category, product};
use crate::connection::{Connection, get, post};
use crate::load::Round;
use crate::report;
use crate::system::{Whole, everything, on_servers, token};

const LOOK_EVERY: Duration = Duration::from_millis(100);
const TOLD_EVERY: Duration = Duration::from_secs(10);
const CATCH_UP_MAX: Duration = Duration::from_secs(120);

/// How long, and how far the views may be behind.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seconds under load.
    #[arg(long, default_value = "120", value_parser = crate::seconds)]
    seconds: Duration,
    /// Commands at most that are acknowledged and not yet in every view.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..))]
    window: u64,
    /// Connections to the command-service.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    connections: u32,
}

/// Runs it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    on_servers(everything(), async |servers| measure(&options, servers).await).await
}

async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<()> {
    let postgres = servers.postgres.as_deref().context("Postgres was not started")?;
    let conditions = report::conditions(postgres).await?;
    let whole = Whole::start(servers).await?;
    let token = token("bench")?;
    let category = create_category(whole.commands.address, &token).await?;
    let course = Rc::new(Course {
        commands: whole.commands.address,
        token,
        category,
        window: options.window,
        until: Instant::now() + options.seconds,
        made: Cell::new(0),
        acknowledged: Cell::new(0),
        visible: Cell::new(0),
        moved: Notify::new(),
    });
    let began = Instant::now();
    let mut behind = Behind::default();
    let tasks = tokio::task::LocalSet::new();
    let mut senders = JoinSet::new();
    for _ in 0..options.connections {
        let course = Rc::clone(&course);
        senders.spawn_local_on(async move { send(&course).await }, &tasks);
    }
    let total = async {
        let mut total = Round::empty()?;
        while let Some(finished) = senders.join_next().await {
            total.add(&finished??)?;
        }
        total.took = began.elapsed();
        anyhow::Ok(total)
    };
    let projectors = whole.projectors();
    let watched = watch(&course, &projectors, &mut behind);
    let (total, ()) = tasks.run_until(async { tokio::try_join!(total, watched) }).await?;
    let all_after = began.elapsed().saturating_sub(total.took);
    let peaks = whole.peak_resident();
    whole.stop().await?;
    report::keep(
        "sustained",
        &json!({
            "measure": "create-product over HTTP with everything running on the one machine, as fast as every view follows, durability on",
            "connections": options.connections,
            "window": options.window,
            "conditions": conditions,
            "commands": report::side(&total),
            "behind_events": {"mean": behind.mean(), "max": behind.max},
            "slowest": behind.slowest,
            "all_visible_after_the_last_command_ms": u64::try_from(all_after.as_millis())?,
            "peak_resident_mib": peaks,
        }),
    )
}

/// What the senders and the one who watches the views share.
#[derive(Debug)]
struct Course {
    commands: SocketAddr,
    token: String,
    category: String,
    window: u64,
    until: Instant,
    made: Cell<u64>,
    /// The highest sequence that was acknowledged.
    acknowledged: Cell<u64>,
    /// The sequence that every view has.
    visible: Cell<u64>,
    moved: Notify,
}

impl Course {
    fn behind(&self) -> u64 {
        self.acknowledged.get().saturating_sub(self.visible.get())
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}

async fn send(course: &Course) -> anyhow::Result<Round> {
    let mut connection = Connection::open(course.commands).await?;
    let mut round = Round::empty()?;
    while !course.is_over() {
        if course.behind() > course.window {
            course.moved.notified().await;
            continue;
        }
        let number = course.made.replace(course.made.get() + 1);
        let request =
            post("/v1/catalog/create-product", Some(&course.token), &product(number, &course.category));
        let sent = Instant::now();
        let answer = connection.send(&request).await?;
        round.count(sent.elapsed())?;
        ensure!(answer.status == 201, "status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        let sequence = sequence_of(answer.sequence.context("an answer without Twofold-Sequence")?)?;
        course.acknowledged.set(course.acknowledged.get().max(sequence));
    }
    Ok(round)
}

/// The sequence of a token like `catalog/3=1042`.
fn sequence_of(token: &str) -> anyhow::Result<u64> {
    let (_, sequence) = token.rsplit_once('=').with_context(|| format!("{token} is no token"))?;
    Ok(sequence.parse()?)
}

#[derive(Debug, Default)]
struct Behind {
    sum: u64,
    looks: u64,
    max: u64,
    /// The view and store that was last, the last time that one was behind.
    slowest: String,
}

impl Behind {
    fn mean(&self) -> u64 {
        self.sum / self.looks.max(1)
    }
}

/// Follows the views until they have everything.
async fn watch(course: &Course, projectors: &[SocketAddr], behind: &mut Behind) -> anyhow::Result<()> {
    let mut connections = Vec::new();
    for projector in projectors {
        connections.push(Connection::open(*projector).await?);
    }
    let request = get("/v1/ops/projections", Some(&course.token), "");
    let mut told = (Instant::now(), 0);
    while !(course.is_over() && course.behind() == 0) {
        tokio::time::sleep(LOOK_EVERY).await;
        let mut least = (u64::MAX, String::new());
        for connection in &mut connections {
            let answer = connection.send(&request).await?;
            ensure!(answer.status == 200, "projections: {}", String::from_utf8_lossy(answer.body));
            least = least.min(slowest(&serde_json::from_slice(answer.body)?)?);
        }
        course.visible.set(least.0);
        course.moved.notify_waiters();
        let now = course.behind();
        if !course.is_over() {
            behind.sum += now;
            behind.looks += 1;
            behind.max = behind.max.max(now);
            if now > 0 {
                behind.slowest = least.1;
            }
        }
        if told.0.elapsed() >= TOLD_EVERY {
            let done = course.acknowledged.get();
            let rate = (done - told.1) / told.0.elapsed().as_secs().max(1);
            eprintln!("{rate}/s, {now} behind ({})", behind.slowest);
            told = (Instant::now(), done);
        }
        ensure!(Instant::now() < course.until + CATCH_UP_MAX, "the views do not catch up: {now} behind");
    }
    Ok(())
}

/// The view and store that has come least far. There is one tenant, so one lane.
fn slowest(overview: &Value) -> anyhow::Result<(u64, String)> {
    let items = overview["items"].as_array().context("an overview without items")?;
    let catalog = items.iter().filter(|item| item["context"] == "catalog");
    let at = |item: &Value| {
        let lanes = item["lanes"].as_array().into_iter().flatten();
        lanes.filter_map(|lane| lane["sequence"].as_u64()).max().unwrap_or(0)
    };
    let named = |item: &Value| format!("{} in {}", item["view"].as_str().unwrap_or("?"), item["store"]);
    catalog.map(|item| (at(item), named(item))).min().context("no view of the catalog")
}
