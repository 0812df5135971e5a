//! Carries a schedule out.

mod poison;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::history::{History, Trimmed};
use crate::schedule::{Fault, Step};
use crate::system::{SERVICES, System};
use crate::workload::Shared;

/// How long Postgres may take to come back.
const RECOVERS: Duration = Duration::from_secs(20);
/// Between two looks at whether a service has ended by itself.
const LOOK: Duration = Duration::from_millis(500);

/// Brings everything about that is to go wrong, and undoes it in time. Done when all of it is over.
pub(crate) async fn carry_out(
    steps: Vec<Step>,
    began: Instant,
    system: &Arc<System>,
    shared: &Arc<Shared>,
    history: &Arc<History>,
) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for step in steps {
        let (system, shared, history) = (Arc::clone(system), Arc::clone(shared), Arc::clone(history));
        running.spawn(async move {
            sleep_until(began + Duration::from_millis(step.at_ms)).await;
            let lasts = Duration::from_millis(step.for_ms);
            let what = serde_json::to_string(&step)?;
            history.fault(&what);
            let done = bring_about(&step.fault, lasts, &system, &shared).await;
            history.fault(match &done {
                Ok(()) => format!("over: {what}"),
                Err(error) => format!("did not come about: {what}: {error:#}"),
            });
            anyhow::Ok(())
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

/// A service that ends by itself is started again, as whoever runs containers does it. Never done.
pub(crate) async fn start_what_ended(system: &Arc<System>, history: &Arc<History>) {
    let mut ended_before: Vec<&str> = Vec::new();
    loop {
        sleep(LOOK).await;
        let ended = system.ended_by_itself().await;
        // Killed a moment ago and about to be started by whoever killed it: only what is still so at the next look.
        for name in ended.iter().filter(|name| ended_before.contains(name)) {
            history.fault(format!("{name} had ended"));
            let _ = system.start_service(name).await;
        }
        ended_before = ended;
    }
}

async fn bring_about(
    fault: &Fault,
    lasts: Duration,
    system: &Arc<System>,
    shared: &Arc<Shared>,
) -> anyhow::Result<()> {
    match fault {
        Fault::KillService { service } => {
            system.kill_service(service).await?;
            sleep(lasts).await;
            system.start_service(service).await
        }
        Fault::FreezeService { service } => {
            system.signal_service(service, Signal::STOP).await?;
            sleep(lasts).await;
            system.signal_service(service, Signal::CONT).await
        }
        // Postgres' immediate shutdown: no checkpoint, no farewell; it recovers from its journal.
        Fault::CrashPostgres => end_server(system, "postgres", Signal::QUIT, lasts).await,
        Fault::KillServer { server } => end_server(system, server, Signal::KILL, lasts).await,
        Fault::FreezeServer { server } => {
            system.signal_server(server, Signal::STOP).await?;
            sleep(lasts).await;
            system.signal_server(server, Signal::CONT).await
        }
        Fault::EmptyRedis => system.empty_redis().await,
        Fault::Cut { link, times } => {
            for _ in 0..*times {
                system.link(link)?.cut();
                sleep(lasts / *times).await;
            }
            Ok(())
        }
        Fault::Delay { link, millis } => {
            system.link(link)?.delay(Duration::from_millis(*millis));
            sleep(lasts).await;
            system.link(link)?.delay(Duration::ZERO);
            Ok(())
        }
        Fault::Partition { link } => {
            system.link(link)?.part(true);
            sleep(lasts).await;
            system.link(link)?.part(false);
            Ok(())
        }
        Fault::Storm { service, times } => storm(system, service, *times, lasts).await,
        Fault::HoldHead { context } => hold_heads(&system.log_url, context, lasts).await,
        Fault::PublishGarbage { lane } => poison::publish_garbage(&system.brokers, *lane).await,
        Fault::SpoilARow { tenant, product } => {
            poison::spoil_a_row(system, shared, (*tenant, *product), lasts).await
        }
        Fault::TrimTopic { context, tenant } => {
            let setting = shared.settings.get(*tenant).context("no such tenant")?;
            let trimmed = trim_topic(system, context, &setting.tenant.name, lasts).await?;
            shared.client.history.fault(serde_json::to_string(&trimmed)?);
            Ok(())
        }
        Fault::Rebuild { view } => system.told(&["rebuild", view, "--detach"]).await.map(drop),
    }
}

async fn end_server(system: &System, server: &str, signal: Signal, lasts: Duration) -> anyhow::Result<()> {
    system.signal_server(server, signal).await?;
    system.server_ends(server, Duration::from_secs(30)).await?;
    sleep(lasts).await;
    system.start_server(server).await
}

/// More projectors join, one after the other, and leave: half of them without a word.
async fn storm(system: &System, service: &str, times: u32, lasts: Duration) -> anyhow::Result<()> {
    let service = SERVICES.into_iter().find(|name| *name == service).context("no such service")?;
    for number in 0..times {
        system.start_more(service, number).await?;
        sleep(lasts / (2 * times)).await;
    }
    for number in 0..times {
        system.end_one_more(number % 2 == 0).await?;
        sleep(lasts / (2 * times)).await;
    }
    Ok(())
}

/// Projectors sleep; when they wake up, what they were to read next is there no more.
async fn trim_topic(
    system: &System,
    context: &str,
    tenant: &str,
    lasts: Duration,
) -> anyhow::Result<Trimmed> {
    let trimmed = Trimmed { trimmed: context.to_owned(), lane: lane_of(&system.log_url, tenant).await? };
    const SLEEPERS: [&str; 2] = ["projector-postgres", "projector-redis"];
    for service in SLEEPERS {
        system.signal_service(service, Signal::STOP).await?;
    }
    sleep(lasts).await;
    let deleted = poison::delete_all_but_the_last(&system.brokers, context, trimmed.lane).await;
    for service in SLEEPERS {
        system.signal_service(service, Signal::CONT).await?;
    }
    deleted?;
    Ok(trimmed)
}

async fn lane_of(log_url: &str, tenant: &str) -> anyhow::Result<u16> {
    let mut connection = connect_again(log_url).await?;
    let lane: i32 = sqlx::query_scalar("SELECT lane FROM tenants WHERE tenant = $1")
        .bind(tenant)
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(lane.try_into()?)
}

/// A session that has the heads of all lanes and does nothing.
async fn hold_heads(log_url: &str, context: &str, lasts: Duration) -> anyhow::Result<()> {
    let mut connection = connect_again(log_url).await?;
    sqlx::query("SET idle_in_transaction_session_timeout = 0").execute(&mut connection).await?;
    let mut transaction = connection.begin().await?;
    let held = "SELECT log_id FROM logs WHERE context = $1 ORDER BY log_id FOR UPDATE";
    sqlx::query(held).bind(context).fetch_all(&mut *transaction).await?;
    sleep(lasts).await;
    transaction.rollback().await?;
    connection.close().await?;
    Ok(())
}

/// Postgres may have crashed a moment ago.
async fn connect_again(url: &str) -> anyhow::Result<PgConnection> {
    let deadline = Instant::now() + RECOVERS;
    loop {
        match PgConnection::connect(url).await {
            Err(_) if Instant::now() < deadline => {
                sleep(Duration::from_millis(200)).await;
            }
            connected => return Ok(connected?),
        }
    }
}
