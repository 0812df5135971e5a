//! `twofold events`: what happened, as JSON.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use anyhow::{Context, bail};
use event_log::{EventLog, LogError};
use kernel::{LaneToken, LogId, LoggedEvent, Sequence, StreamName, StreamVersion, TenantId, Timestamp};

use crate::decode::Decoders;
use crate::home::HomeArgs;
use crate::log::{self, LogArgs};
use crate::output::line;
use crate::token::tenant;

/// Events read in one go.
const PAGE: usize = 500;
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// What to print.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum EventsCommand {
    /// Print the last events, a line of JSON for each, oldest first.
    Tail {
        #[command(flatten)]
        log: LogArgs,
        /// How many.
        #[arg(short = 'n', long, default_value_t = 10)]
        lines: usize,
        /// Go on with what is recorded from now on, until interrupted.
        #[arg(short, long)]
        follow: bool,
        /// Only this tenant's.
        #[arg(long, value_parser = tenant)]
        tenant: Option<TenantId>,
        /// Only these logs, like catalog/3; every log without.
        #[arg(value_name = "LOG")]
        logs: Vec<LogId>,
    },
    /// Print one event by its place in its log, or all events of a stream.
    Show {
        #[command(flatten)]
        log: LogArgs,
        /// A place like catalog/3=1042, as commands answer it, or a stream like product-0197….
        #[arg(value_name = "PLACE OR STREAM")]
        what: String,
        /// Whose stream it is.
        #[arg(long, value_parser = tenant)]
        tenant: Option<TenantId>,
        /// Of a stream, only what had happened by then: a time in RFC 3339, or a sequence of its log.
        #[arg(long, value_name = "TIME OR SEQUENCE", value_parser = moment)]
        at: Option<Moment>,
    },
}

/// A moment of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    Sequence(Sequence),
    Time(Timestamp),
}

impl Moment {
    /// Whether the event had happened by then.
    fn has(self, event: &LoggedEvent) -> bool {
        match self {
            Self::Sequence(sequence) => event.sequence <= sequence,
            Self::Time(time) => event.recorded_at <= time,
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    let sequence = text.parse().map(|number| Moment::Sequence(Sequence::new(number)));
    let time = || text.parse().map(Moment::Time);
    sequence
        .or_else(|_| time())
        .map_err(|_| "expected a time like 2026-01-31T12:00:00Z, or a sequence".to_owned())
}

/// Prints it.
pub(crate) async fn run(home: &HomeArgs, command: EventsCommand) -> anyhow::Result<()> {
    match command {
        EventsCommand::Tail { log, lines, follow, tenant, logs } => {
            let log = log.open(home).await?;
            Tail { decoders: Decoders::new(log.clone()), log, tenant, logs }.run(lines, follow).await
        }
        EventsCommand::Show { log, what, tenant, at } => {
            let log = log.open(home).await?;
            show(&log, &what, tenant, at).await
        }
    }
}

async fn show(
    log: &EventLog,
    what: &str,
    tenant: Option<TenantId>,
    until: Option<Moment>,
) -> anyhow::Result<()> {
    let decoders = Decoders::new(log.clone());
    let events = match (what.parse::<LaneToken>(), tenant) {
        (Ok(place), _) => at(log, &place).await?,
        (Err(_), Some(tenant)) => stream(log, &StreamName::parse(what)?, &tenant).await?,
        (Err(_), None) => bail!("name a place like catalog/3=1042, or a stream together with its --tenant"),
    };
    for event in events.iter().filter(|event| until.is_none_or(|until| until.has(event))) {
        line(format_args!("{:#}", decoders.json(event).await))?;
    }
    Ok(())
}

async fn at(log: &EventLog, place: &LaneToken) -> anyhow::Result<Vec<LoggedEvent>> {
    let before = place.sequence.number().checked_sub(1).context("events are numbered from 1")?;
    let found = log.read_log(&place.log, Sequence::new(before), 1).await?;
    if found.is_empty() {
        bail!("{} has nothing at {}", place.log, place.sequence);
    }
    Ok(found)
}

/// In whichever context has it; a stream's name says its kind, and kinds are unique.
async fn stream(log: &EventLog, stream: &StreamName, tenant: &TenantId) -> anyhow::Result<Vec<LoggedEvent>> {
    let mut contexts: Vec<_> = log.logs().await?.into_iter().map(|log| log.context).collect();
    contexts.sort();
    contexts.dedup();
    let mut found = Vec::new();
    for context in contexts {
        let mut after = StreamVersion::ZERO;
        loop {
            let page = log.read_stream(&context, tenant, stream, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.event.version;
            found.extend(page);
        }
    }
    if found.is_empty() {
        bail!("{tenant} has no stream {stream}");
    }
    Ok(found)
}

struct Tail {
    log: EventLog,
    decoders: Decoders,
    tenant: Option<TenantId>,
    logs: Vec<LogId>,
}

impl Tail {
    async fn run(&self, lines: usize, follow: bool) -> anyhow::Result<()> {
        let (mut last, mut positions) = (Vec::new(), HashMap::new());
        for log in self.logs().await? {
            let head = self.log.head(&log).await?.sequence;
            last.extend(self.last_of(&log, head, lines).await?);
            positions.insert(log, head);
        }
        last.sort_by(|a, b| (a.recorded_at, &a.log, a.sequence).cmp(&(b.recorded_at, &b.log, b.sequence)));
        self.print(&last[last.len().saturating_sub(lines)..]).await?;
        if follow {
            self.follow(positions).await?;
        }
        Ok(())
    }

    /// Until the process is interrupted, or the log goes away.
    async fn follow(&self, mut positions: HashMap<LogId, Sequence>) -> anyhow::Result<()> {
        loop {
            tokio::time::sleep(FOLLOW_EVERY).await;
            for log in self.logs().await? {
                let position = positions.entry(log.clone()).or_insert(Sequence::ZERO);
                self.print_after(&log, position).await?;
            }
        }
    }

    async fn logs(&self) -> anyhow::Result<Vec<LogId>> {
        let mut logs = log::chosen(&self.log, &self.logs).await?;
        if let Some(tenant) = &self.tenant {
            let lane = self.log.known_lane(tenant).await?;
            logs.retain(|log| Some(log.lane) == lane);
        }
        Ok(logs)
    }

    fn wanted(&self, event: &LoggedEvent) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| event.tenant == *tenant)
    }

    /// The last wanted events up to `head`, found page by page from the end.
    async fn last_of(&self, log: &LogId, head: Sequence, lines: usize) -> Result<Vec<LoggedEvent>, LogError> {
        let (mut found, mut end) = (Vec::new(), head);
        while found.len() < lines && end > Sequence::ZERO {
            let start = Sequence::new(end.number().saturating_sub(PAGE.min(lines.max(1)) as u64));
            let mut page = self.between(log, start, end).await?;
            page.retain(|event| self.wanted(event));
            page.append(&mut found);
            (found, end) = (page, start);
        }
        Ok(found)
    }

    async fn between(
        &self,
        log: &LogId,
        start: Sequence,
        end: Sequence,
    ) -> Result<Vec<LoggedEvent>, LogError> {
        let (mut found, mut after) = (Vec::new(), start);
        while after < end {
            let limit = usize::try_from(end.since(after)).unwrap_or(PAGE);
            let page = self.log.read_log(log, after, limit).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            found.extend(page);
        }
        Ok(found)
    }

    async fn print_after(&self, log: &LogId, position: &mut Sequence) -> anyhow::Result<()> {
        loop {
            let page = self.log.read_log(log, *position, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            *position = last.sequence;
            self.print(&page).await?;
        }
    }

    async fn print(&self, events: &[LoggedEvent]) -> io::Result<()> {
        for event in events.iter().filter(|event| self.wanted(event)) {
            line(self.decoders.json(event).await)?;
        }
        Ok(())
    }
}
