//! What an inline view costs an append: the same append of one event without rows, with a new row, and with a row that is
//! read, changed and written back, as dispatch does before each append of a context that has such a view.
//!
//! The sides take turns on one Postgres, in a log each, so that what the machine does meanwhile happens to all.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use event_log::{Append, EventLog, InlineCode, InlineRow, InlineView, OpenedView};
use kernel::{LogId, RowKey, Sequence, TenantId};
use local_servers::{Port, Servers, Wanted};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::backlog::Appends;
use crate::load::Round;
use crate::report;
use crate::system::{create_database, on_servers};

/// The text in a row that stands for the time of its recording.
const MARK: &str = "7312-05-06T07:08:09.123456Z";

/// How to load.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Appends at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Seconds of each side's turn.
    #[arg(long, default_value = "10", value_parser = crate::seconds)]
    seconds: Duration,
    /// Turns of each side.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    turns: u16,
}

/// What is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Bare,
    NewRow,
    ChangedRow,
}

impl Side {
    const ALL: [Self; 3] = [Self::Bare, Self::NewRow, Self::ChangedRow];

    /// The context of its log.
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::NewRow => "new-row",
            Self::ChangedRow => "changed-row",
        }
    }
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
    let pool = event_log::pool(log_url.parse()?, 16);
    EventLog::migrate(&pool).await?;
    let log = EventLog::new(pool, event_log::Options::default());
    let tenant = TenantId::new("bench")?;
    let appends = Appends::known_to(&log).await?;
    let lane = log.lane_of(&tenant).await?;
    let mut totals = Vec::new();
    for side in Side::ALL {
        let view = match side {
            Side::Bare => None,
            Side::NewRow | Side::ChangedRow => {
                let code = InlineCode { version: 1, fold: None };
                let opened = log.open_inline_view(side.name(), side.name(), &code, true, "").await?;
                let OpenedView::New(view) = opened else { bail!("the database is not new") };
                log.inline_through(view, &LogId::new(side.name(), lane)).await?;
                Some(view)
            }
        };
        totals.push((side, view, Round::empty()?));
    }
    for turn in 0..=options.turns {
        for (side, view, total) in &mut totals {
            let load = Load {
                log: log.clone(),
                tenant: tenant.clone(),
                appends: appends.clone(),
                side: *side,
                view: *view,
            };
            let length = if turn == 0 { Duration::from_secs(2) } else { options.seconds };
            let round = load.run(usize::from(options.connections), length).await?;
            if turn > 0 {
                eprintln!("turn {turn}: {} {:.0}/s", side.name(), round.rate());
                total.add(&round)?;
            }
        }
    }
    let [(.., bare), (.., new_row), (.., changed_row)] = &totals[..] else { bail!("three sides") };
    let beside = |round: &Round| {
        json!({
            "figures": report::side(round),
            "rate_ratio": round.rate() / bare.rate(),
            "latency_ratio": report::latency_ratio(round, bare),
        })
    };
    report::keep(
        "inline",
        &json!({
            "measure": "appends of one event, one tenant, durability on, load on the same cores; beside them without rows",
            "appends_at_once": options.connections,
            "conditions": conditions,
            "bare": report::side(bare),
            "new_row": beside(new_row),
            "changed_row": beside(changed_row),
        }),
    )
}

#[derive(Clone)]
struct Load {
    log: EventLog,
    tenant: TenantId,
    appends: Appends,
    side: Side,
    view: Option<InlineView>,
}

impl Load {
    async fn run(self, at_once: usize, length: Duration) -> anyhow::Result<Round> {
        let began = Instant::now();
        let mut running = JoinSet::new();
        for worker in 0..at_once {
            let load = self.clone();
            running.spawn(async move { load.work(worker, began, length).await });
        }
        let mut total = Round::empty()?;
        while let Some(finished) = running.join_next().await {
            total.add(&finished??)?;
        }
        total.took = began.elapsed();
        Ok(total)
    }

    async fn work(self, worker: usize, began: Instant, length: Duration) -> anyhow::Result<Round> {
        let mut round = Round::empty()?;
        while began.elapsed() < length {
            let append = self.appends.one(round.done)?;
            let sent = Instant::now();
            let append = match self.view {
                None => append,
                Some(view) => self.with_row(append, view, worker).await?,
            };
            self.log.append(self.side.name(), &self.tenant, append).await?;
            round.count(sent.elapsed())?;
        }
        Ok(round)
    }

    /// Each worker changes a row of its own: in a service, those who want the same one take turns.
    async fn with_row(&self, mut append: Append, view: InlineView, worker: usize) -> anyhow::Result<Append> {
        let key = match self.side {
            Side::ChangedRow => RowKey::new(format!("{worker}")),
            Side::Bare | Side::NewRow => RowKey::from(Uuid::now_v7()),
        };
        let kept = self.log.inline_rows(view, &[(self.tenant.clone(), key.clone())]).await?;
        let before = kept.first().map_or(Sequence::ZERO, |(_, kept)| kept.stamp);
        append.beside.views = [view].into();
        append.beside.rows.push(InlineRow {
            view,
            key,
            before,
            event: 1,
            mark: MARK.into(),
            row: Some(row(before)),
        });
        Ok(append)
    }
}

/// About as large as a user's.
fn row(before: Sequence) -> String {
    json!({
        "id": Uuid::now_v7(), "email": "somebody@example.com", "name": "Somebody With A Name", "bio": "",
        "status": "active", "created_at": MARK, "last_activity_at": MARK, "post_count": before,
        "follower_count": 0, "following_count": 0,
    })
    .to_string()
}
