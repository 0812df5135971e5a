//! `twofold lag`: how far publishing and each view are behind the log.

use std::io;

use event_log::{EventLog, InlineCode};
use kernel::{Command, Context, ContextVisitor, LogId, ReadStore, Registry, Sequence, View};
use read_store::{PostgresReader, RedisReader};
use serde::Serialize;
use service_runtime::config::ExposeSecret;
use wire::{Codec, fold_fingerprint};

use crate::home::HomeArgs;
use crate::log::{self, LogArgs, connect};
use crate::output::line;
use crate::stores::StoresArgs;

/// Where the stores are.
#[derive(Debug, clap::Args)]
pub(crate) struct LagArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    stores: StoresArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Lag {
    logs: Vec<LogLag>,
    views: Vec<ViewLag>,
}

#[derive(Debug, Serialize)]
struct LogLag {
    log: String,
    head: u64,
    published: u64,
    unpublished: u64,
}

#[derive(Debug, Serialize)]
struct ViewLag {
    log: String,
    view: &'static str,
    version: u32,
    store: &'static str,
    /// The serving version's checkpoint; none where the store cannot say.
    at: Option<u64>,
    lag: Option<u64>,
    /// Why it cannot.
    away: Option<String>,
}

/// Prints it.
pub(crate) async fn run(home: &HomeArgs, args: &LagArgs) -> anyhow::Result<()> {
    let log = args.log.open(home).await?;
    let stores = Stores::open(home, args).await?;
    let mut views = Views(Vec::new());
    shipped_contexts::visit(&mut views);
    let mut lag = Lag { logs: Vec::new(), views: Vec::new() };
    for id in log::chosen(&log, &[]).await? {
        let head = of_log(&log, &id, &mut lag).await?;
        for view in views.0.iter().filter(|view| *view.context == *id.context) {
            for store in view.stores {
                lag.views.push(stores.lag(&log, &id, head, view, *store).await);
            }
        }
    }
    if args.json {
        line(serde_json::to_string_pretty(&lag)?)?;
    } else {
        lag.print()?;
    }
    Ok(())
}

async fn of_log(log: &EventLog, id: &LogId, lag: &mut Lag) -> anyhow::Result<Sequence> {
    let head = log.head(id).await?;
    lag.logs.push(LogLag {
        log: id.to_string(),
        head: head.sequence.number(),
        published: head.published_through.number(),
        unpublished: head.sequence.since(head.published_through),
    });
    Ok(head.sequence)
}

struct Stores {
    postgres: PostgresReader,
    redis: RedisReader,
}

impl Stores {
    async fn open(home: &HomeArgs, args: &LagArgs) -> anyhow::Result<Self> {
        let places = args.stores.places(home)?;
        let postgres = PostgresReader::new(connect(&places.views_url, "the views' database").await?);
        Ok(Self {
            postgres,
            redis: RedisReader::new(places.redis_url.expose_secret(), &places.redis_prefix)?,
        })
    }

    async fn lag(
        &self,
        event_log: &EventLog,
        log: &LogId,
        head: Sequence,
        view: &Named,
        store: ReadStore,
    ) -> ViewLag {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let (name, at) = match store {
            ReadStore::Postgres => {
                let at = self.postgres.reflects(view.name, log.lane).await;
                ("postgres", at.map(Some).map_err(|error| text(&error)))
            }
            ReadStore::Redis => {
                let at = self.redis.reflects(view.name, log.lane).await;
                ("redis", at.map(Some).map_err(|error| text(&error)))
            }
            ReadStore::Inline => {
                let at = event_log.inline_head(view.name, &view.code, log).await;
                ("log", at.map(|found| found.map(|(_, through)| through)).map_err(|error| text(&error)))
            }
        };
        let (at, away) = match at {
            Ok(at) => (at, None),
            Err(away) => (None, Some(away)),
        };
        ViewLag {
            log: log.to_string(),
            view: view.name,
            version: view.version,
            store: name,
            at: at.map(Sequence::number),
            lag: at.map(|at| head.since(at)),
            away,
        }
    }
}

impl Lag {
    fn print(&self) -> io::Result<()> {
        if self.logs.is_empty() {
            return line("nothing has been recorded yet");
        }
        line(format_args!("{:<16} {:>12} {:>12} {:>12}", "LOG", "HEAD", "PUBLISHED", "UNPUBLISHED"))?;
        for LogLag { log, head, published, unpublished } in &self.logs {
            line(format_args!("{log:<16} {head:>12} {published:>12} {unpublished:>12}"))?;
        }
        line(format_args!("\n{:<16} {:<24} {:<10} {:>12} {:>12}", "LOG", "VIEW", "STORE", "AT", "LAG"))?;
        for ViewLag { log, view, version, store, at, lag, away } in &self.views {
            let view = format!("{view} v{version}");
            let at = at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let lag = lag.map_or_else(|| "-".to_owned(), |lag| lag.to_string());
            let away = away.as_deref().unwrap_or_default();
            line(format!("{log:<16} {view:<24} {store:<10} {at:>12} {lag:>12}  {away}").trim_end())?;
        }
        Ok(())
    }
}

struct Named {
    context: &'static str,
    name: &'static str,
    version: u32,
    stores: &'static [ReadStore],
    /// Of one that is inline.
    code: InlineCode,
}

struct Views(Vec<Named>);

impl ContextVisitor for Views {
    fn context<C: Context>(&mut self) {
        C::register(&mut InContext { context: C::NAME, views: &mut self.0 });
    }
}

struct InContext<'a> {
    context: &'static str,
    views: &'a mut Vec<Named>,
}

impl Registry for InContext<'_> {
    fn command<C: Command>(&mut self) {}

    fn view<V: View>(&mut self) {
        let is_inline = V::STORES.contains(&ReadStore::Inline);
        let codec = is_inline.then(Codec::new).and_then(Result::ok);
        let fold = codec.and_then(|codec| fold_fingerprint::<V>(&codec));
        let code = InlineCode { version: V::VERSION, fold };
        let named =
            Named { context: self.context, name: V::NAME, version: V::VERSION, stores: V::STORES, code };
        self.views.push(named);
    }
}
