//! Rows that the projectors are to fold again: those that differ, or those that events have touched since.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::str::FromStr;

use anyhow::{Context as _, anyhow, bail};
use event_log::EventLog;
use kernel::{Command, Context, ContextVisitor, Keys, Lane, LogId, Registry, Sequence, Timestamp, View};
use projection::{AnyView, Asked, NamedLink, NamedRow, Overview, Pages as _, REFOLDED_MOST, RefoldRequest};

use crate::from_log::FromLog;
use crate::output::line;
use crate::projectors::Projectors;

/// Rows and links that are gathered before they are asked for.
const GATHERED: usize = 20_000;

/// Since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Since {
    /// This event of every log.
    Sequence(Sequence),
    /// The first event that was recorded at this time or later.
    Time(Timestamp),
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Sequence(Sequence::new(number)));
        }
        let time = text.parse().map(Self::Time);
        time.map_err(|_| "expected a sequence number, or a time like 2026-01-31T12:00:00Z")
    }
}

/// Asks a projector of the store; answers of how many rows.
pub(crate) async fn ask(
    projectors: &Projectors,
    view: &str,
    store: &str,
    lane: Lane,
    rows: &[NamedRow],
    links: &[NamedLink],
) -> anyhow::Result<u64> {
    let overviews = projectors.ask::<Overview>("/v1/ops/projections").await?;
    let keeps =
        |overview: &Overview| overview.items.iter().any(|item| item.view == view && item.store == store);
    let (url, _) = overviews
        .into_iter()
        .find(|(_, overview)| keeps(overview))
        .ok_or_else(|| anyhow!("no projector keeps the view {view} in {store}"))?;
    let path = format!("/v1/ops/projections/{view}/refold");
    let mut asked = 0;
    let lane = lane.number();
    for rows in rows.chunks(REFOLDED_MOST) {
        let request = RefoldRequest { lane, rows: rows.to_vec(), links: Vec::new() };
        asked += projectors.at(&url).tell::<Asked>(&path, &request).await?.asked;
    }
    for links in links.chunks(REFOLDED_MOST) {
        let request = RefoldRequest { lane, rows: Vec::new(), links: links.to_vec() };
        asked += projectors.at(&url).tell::<Asked>(&path, &request).await?.asked;
    }
    Ok(asked)
}

/// Has every row folded again that events have touched since; only in this store, where one is named.
pub(crate) async fn touched_since(
    projectors: &Projectors,
    log: &EventLog,
    view: &str,
    store: Option<&str>,
    since: &Since,
) -> anyhow::Result<()> {
    let mut found = Found { log, projectors, view, store, since, done: None };
    shipped_contexts::visit(&mut found);
    let done = found.done.with_context(|| format!("there is no view {view}"))?;
    done.await
}

type Done<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

struct Found<'a> {
    log: &'a EventLog,
    projectors: &'a Projectors,
    view: &'a str,
    store: Option<&'a str>,
    since: &'a Since,
    done: Option<Done<'a>>,
}

impl ContextVisitor for Found<'_> {
    fn context<C: Context>(&mut self) {
        C::register(&mut InContext { context: C::NAME, found: self });
    }
}

struct InContext<'v, 'a> {
    context: &'static str,
    found: &'v mut Found<'a>,
}

impl Registry for InContext<'_, '_> {
    fn command<C: Command>(&mut self) {}

    fn view<V: View>(&mut self) {
        if V::NAME == self.found.view {
            let Found { log, projectors, store, since, .. } = *self.found;
            let context = self.context;
            self.found.done = Some(Box::pin(refold_touched::<V>(log, projectors, context, store, since)));
        }
    }
}

/// Of the touched rows: those that were named, and those that have a link now that an event named. One that had such
/// a link and has it no more was named by the event that took it.
async fn refold_touched<V: View>(
    log: &EventLog,
    projectors: &Projectors,
    context: &str,
    store: Option<&str>,
    since: &Since,
) -> anyhow::Result<()> {
    let folds = AnyView::of::<V>()?;
    let logs = log.logs().await?;
    for id in logs.iter().filter(|id| *id.context == *context) {
        let mut after = before(log, id, since).await?;
        let mut pages = FromLog::new(log, id, &folds);
        let mut touched = Touched::default();
        loop {
            let page = pages.after(after).await.map_err(anyhow::Error::msg)?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            for event in page.iter().filter_map(|told| told.event.as_ref()) {
                touched.add(event.tenant().as_str(), folds.keys(event));
            }
            if touched.rows.len() + touched.links.len() >= GATHERED {
                touched.ask_for::<V>(projectors, id, store).await?;
                touched = Touched::default();
            }
        }
        touched.ask_for::<V>(projectors, id, store).await?;
    }
    Ok(())
}

#[derive(Default)]
struct Touched {
    rows: BTreeSet<(String, String)>,
    links: BTreeSet<(String, String)>,
}

impl Touched {
    fn add(&mut self, tenant: &str, keys: Keys) {
        match keys {
            Keys::None => {}
            Keys::These(keys) => {
                self.rows.extend(keys.into_iter().map(|key| (tenant.to_owned(), key.as_str().to_owned())));
            }
            Keys::Linked(link) => drop(self.links.insert((tenant.to_owned(), link.as_str().to_owned()))),
        }
    }

    async fn ask_for<V: View>(
        &self,
        projectors: &Projectors,
        id: &LogId,
        store: Option<&str>,
    ) -> anyhow::Result<()> {
        let pairs = |of: &BTreeSet<(String, String)>| of.iter().cloned().collect::<Vec<_>>();
        let rows: Vec<_> =
            pairs(&self.rows).into_iter().map(|(tenant, key)| NamedRow { tenant, key }).collect();
        let links: Vec<_> =
            pairs(&self.links).into_iter().map(|(tenant, link)| NamedLink { tenant, link }).collect();
        for kind in V::STORES {
            let kind = crate::rebuild::name(*kind);
            if store.is_some_and(|store| store != kind) {
                continue;
            }
            let asked = ask(projectors, V::NAME, kind, id.lane, &rows, &links).await?;
            line(format_args!("{} in {kind}, {id}: {asked} rows are folded again", V::NAME))?;
        }
        Ok(())
    }
}

/// The last event before.
async fn before(log: &EventLog, id: &LogId, since: &Since) -> anyhow::Result<Sequence> {
    let time = match since {
        Since::Sequence(sequence) => return Ok(Sequence::new(sequence.number().saturating_sub(1))),
        Since::Time(time) => *time,
    };
    // Times never run backwards in a log.
    let (mut low, mut high) = (0, log.head(id).await?.sequence.number());
    while low < high {
        let middle = low + (high - low) / 2;
        let page = log.read_log(id, Sequence::new(middle), 1).await?;
        let Some(event) = page.first() else { bail!("{id} has no event {}", middle + 1) };
        if event.recorded_at < time { low = middle + 1 } else { high = middle }
    }
    Ok(Sequence::new(low))
}
