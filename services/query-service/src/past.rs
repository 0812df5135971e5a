//! Resources as they were: `?as_of=`, a time or a place in the log.
//!
//! Views know the present only. The past is folded anew, by the same fold, from the events of the streams that the row
//! is made of; the command-service lists those, and nothing else of the log, to whoever may read them: the caller's
//! own token is shown to it. A row of many events is bounded in memory, and takes a page of them at a time.

mod log_service;

use std::collections::{BTreeMap, BTreeSet};

use http_api::{Problem, ProblemType};
use kernel::{Context, Keys, LaneToken, Recorded, RowKey, Sequence, Source, View};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::Answer;
use crate::asked::Asked;
use crate::listing::unless_empty;
use crate::stores::Place;
pub(crate) use log_service::Past;

/// Events that one row is folded from, at most.
const EVENTS_MOST: usize = 50_000;
/// How often events may lead to further streams. One is what views need; more could only be a circle.
const ROUNDS_MOST: usize = 4;

/// As of when.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asks {
    /// As it was then: a time in RFC 3339, a sequence of its log, or a place like `travel/3=1042`; as it is now when
    /// absent. Folded anew from the log, so that it takes longer.
    #[serde(default, deserialize_with = "unless_empty")]
    pub(crate) as_of: Option<String>,
}

/// A row as it was.
#[derive(Debug)]
pub(crate) struct Was<R> {
    /// The row; `None` where there was none.
    pub(crate) row: Option<R>,
    /// As of where in the log.
    pub(crate) as_of: LaneToken,
}

impl<R: serde::Serialize> Was<R> {
    /// The answer; `unknown` is the problem where there was no such row then.
    pub(crate) fn answer(self, unknown: impl FnOnce(&LaneToken) -> Problem) -> Result<Answer, Problem> {
        let row = self.row.ok_or_else(|| unknown(&self.as_of))?;
        let body = serde_json::to_string(&row).map_err(Problem::internal)?;
        Ok(Answer { body, reflects: self.as_of, parked: None })
    }
}

/// Rows as they were.
#[derive(Debug)]
pub(crate) struct Were<R> {
    /// Those that there were, by their keys.
    pub(crate) rows: BTreeMap<RowKey, R>,
    /// As of where in the log.
    pub(crate) as_of: LaneToken,
}

impl Past {
    /// A row as of a moment. `now` is the row as it stands, where that is known: some rows' keys alone do not say
    /// where their events are.
    pub(crate) async fn row<C: Context, V: View<Event = C::Event>>(
        &self,
        place: &Place,
        asked: &Asked<C>,
        key: &RowKey,
        now: Option<&V::Row>,
        as_of: &str,
    ) -> Result<Was<V::Row>, Problem> {
        let of = |touched: &RowKey| touched == key;
        let mut were = self.rows::<C, V>(place, asked, V::sources(key, now), of, as_of).await?;
        Ok(Was { row: were.rows.remove(key), as_of: were.as_of })
    }

    /// Those rows as of a moment that are `wanted` of what the sources make.
    pub(crate) async fn rows<C: Context, V: View<Event = C::Event>>(
        &self,
        place: &Place,
        asked: &Asked<C>,
        sources: Vec<Source>,
        wanted: impl Fn(&RowKey) -> bool,
        as_of: &str,
    ) -> Result<Were<V::Row>, Problem> {
        let mut known: BTreeSet<Source> = sources.into_iter().collect();
        let mut unread: Vec<Source> = known.iter().cloned().collect();
        let mut at = as_of.to_owned();
        let mut events: Vec<Recorded<C::Event>> = Vec::new();
        for _ in 0..ROUNDS_MOST {
            if unread.is_empty() {
                break;
            }
            let (found, reached) =
                self.events::<C>(place, asked, &unread, &at, EVENTS_MOST - events.len()).await?;
            at = reached.number().to_string();
            unread = found.iter().flat_map(|event| V::leads_to(&event.event)).collect();
            unread.retain(|source| known.insert(source.clone()));
            events.extend(found);
        }
        events.sort_by_key(|event| event.sequence);
        events.dedup_by_key(|event| event.sequence);
        let as_of = place.log.at(Sequence::new(at.parse().unwrap_or_default()));
        Ok(Were { rows: fold::<V>(wanted, &events)?, as_of })
    }
}

/// The rows after these events, each of those that name its key, or a link that it has by then.
fn fold<V: View>(
    wanted: impl Fn(&RowKey) -> bool,
    events: &[Recorded<V::Event>],
) -> Result<BTreeMap<RowKey, V::Row>, Problem> {
    let mut rows: BTreeMap<RowKey, V::Row> = BTreeMap::new();
    for event in events {
        let touched: Vec<RowKey> = match V::keys(event) {
            Keys::None => Vec::new(),
            Keys::These(keys) => keys.into_iter().filter(&wanted).collect(),
            Keys::Linked(link) => {
                let linked = rows.iter().filter(|(_, row)| V::links(row).contains(&link));
                linked.map(|(key, _)| key.clone()).collect()
            }
        };
        for key in touched {
            let row = V::evolve(&key, rows.remove(&key), event).map_err(Problem::internal)?;
            rows.extend(row.map(|row| (key, row)));
        }
    }
    Ok(rows)
}

/// What a client asked that has no answer.
fn no_such_moment(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(ProblemType::InvalidParameter).detail(detail).error("as_of", code)
}
