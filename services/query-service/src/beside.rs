//! Rows of another context that an answer is joined with, when it is read.
//!
//! Contexts have no common order, so no row is made of the events of two. What an answer takes from another context
//! is that context's own row, found by its key; both are folds of their own log, and the answer says how far each is.
//! So the same events give the same answer, whatever order they arrived in, and nothing is left to converge.

use std::collections::{BTreeMap, BTreeSet};

use axum::response::Response;
use futures::{StreamExt, TryStreamExt, stream};
use http_api::Problem;
use http_api::headers::{TWOFOLD_PARKED, TWOFOLD_SEQUENCE, sequence_value};
use kernel::{Context, LaneToken, LogId, Sequence, TenantId, View};
use tokio::time::Instant;

use crate::asked::Asked;
use crate::stores::{Place, Stores};

/// Rows that are read at the same time.
const AT_ONCE: usize = 16;

/// Rows of a view of another context, by their keys.
#[derive(Debug)]
pub(crate) struct Beside<Row> {
    pub(crate) rows: BTreeMap<String, Row>,
    /// How far the one that is least far is.
    reflects: LaneToken,
    /// From which sequence on some of them lack events.
    parked: Option<Sequence>,
}

/// Where the tenant's rows of another context are: a tenant lives in one lane in every context.
pub(crate) fn place_beside<Other: Context, C: Context>(place: &Place, asked: &Asked<C>) -> Place {
    let log = LogId::new(Other::NAME, place.log.lane);
    let least = asked.least_of(&log);
    Place { log, least }
}

/// Reads the rows with these keys; each reflects at least what it must.
pub(crate) async fn rows_beside<V: View>(
    stores: &Stores,
    place: &Place,
    tenant: &TenantId,
    keys: impl IntoIterator<Item = String>,
    deadline: Instant,
) -> Result<Beside<V::Row>, Problem> {
    let keys: BTreeSet<String> = keys.into_iter().collect();
    let read = |key: String| async move {
        let found = stores.row::<V>(place, tenant, &key, deadline).await?;
        Ok::<_, Problem>((key, found))
    };
    let found: Vec<_> = stream::iter(keys).map(read).buffered(AT_ONCE).try_collect().await?;
    let reflects = found.iter().map(|(_, found)| found.reflects).min().unwrap_or(place.least);
    let parked = place.parked(found.iter().filter_map(|(_, found)| found.parked).min())?;
    let mut rows = BTreeMap::new();
    for (key, found) in found {
        let Some(row) = found.row else { continue };
        rows.insert(key, serde_json::from_str(&row.body).map_err(Problem::internal)?);
    }
    Ok(Beside { rows, reflects: place.log.at(reflects), parked })
}

impl<Row> Beside<Row> {
    /// Says on an answer what it reflects besides its own context, after what it reflects of that.
    pub(crate) fn told_on(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.append(TWOFOLD_SEQUENCE, sequence_value(&self.reflects));
        if let Some(since) = self.parked {
            let since = LaneToken { log: self.reflects.log.clone(), sequence: since };
            headers.append(TWOFOLD_PARKED, sequence_value(&since));
        }
        response
    }
}
