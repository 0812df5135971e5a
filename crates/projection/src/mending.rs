//! What operators ask for single rows: that they are folded again from the log.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use http_api::{Operation, Path, Problem, ProblemType};
use kernel::{Lane, Link, RowKey, TenantId};
use read_store::{Lookup, Request, RowAddress, Which};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dead_letters::Asked;
use crate::ops::{Api, Operator, Ops};
use crate::overview::named;

/// Rows and links that may be named in one request.
pub const REFOLDED_MOST: usize = 5_000;
/// Rows that one link may stand for.
const ROWS_OF_A_LINK: usize = 200_000;

/// Rows of one lane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefoldRequest {
    /// The lane.
    pub lane: u16,
    /// These rows.
    #[serde(default)]
    pub rows: Vec<NamedRow>,
    /// And all that have one of these links.
    #[serde(default)]
    pub links: Vec<NamedLink>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedRow {
    /// Whose.
    pub tenant: String,
    /// Which.
    pub key: String,
}

/// Rows that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedLink {
    /// Whose.
    pub tenant: String,
    /// What.
    pub link: String,
}

pub(crate) fn add_to(api: &mut Api) {
    api.post(
        "/v1/ops/projections/{view}/refold",
        refold,
        Operation::new("refoldRows", "Folds rows again from the log")
            .description(
                "The rows are folded anew from the log and take the place of those that are there; the lane goes on \
                 meanwhile, and queries read the old ones until then.",
            )
            .path_parameter::<String>("view", "The view's name")
            .body::<RefoldRequest>("Which rows.")
            .answer::<Asked>(202, "It is asked for.")
            .problems(&[ProblemType::NotFound, ProblemType::InvalidBody, ProblemType::Unavailable]),
    );
}

async fn refold(
    State(ops): State<Ops>,
    operator: Operator,
    Path(view): Path<String>,
    http_api::Json(request): http_api::Json<RefoldRequest>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let keeps = named(&ops, &view)?;
    if request.rows.len() + request.links.len() > REFOLDED_MOST {
        return Err(Problem::new(ProblemType::InvalidBody).error("rows", "too-many"));
    }
    let tenant = |name: &str, field: &'static str| {
        TenantId::new(name).map_err(|_| Problem::new(ProblemType::InvalidBody).error(field, "malformed"))
    };
    let lane = Lane::new(request.lane);
    let mut rows = Vec::with_capacity(request.rows.len());
    for NamedRow { tenant: name, key } in &request.rows {
        rows.push(RowAddress { tenant: tenant(name, "rows")?, key: RowKey::new(key.as_str()) });
    }
    let mut lookups = Vec::with_capacity(request.links.len());
    for NamedLink { tenant: name, link } in &request.links {
        lookups.push(Lookup { tenant: tenant(name, "links")?, link: Link::new(link.as_str()) });
    }
    let linked = keeps.linked(lane, &lookups, ROWS_OF_A_LINK).await.map_err(Problem::unavailable)?;
    rows.extend(linked);
    rows.sort_unstable();
    rows.dedup();
    let asked = Request::Retry { by: operator.actor.as_str().to_owned() };
    let asked = keeps.request(&Which::Rows { lane, rows }, &asked).await.map_err(Problem::unavailable)?;
    tracing::info!(view, lane = lane.number(), rows = asked, "rows are to be folded again");
    Ok((StatusCode::ACCEPTED, Json(Asked { asked })))
}
