//! One group, and how its members stand with each other.

use ::travel::views::{GroupRow, GroupStatus, Groups, MemberRow};
use axum::extract::State;
use axum::http::HeaderMap;
use http_api::{Path, Problem, Query};
use kernel::Currency;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{Answered, Asked, Travel, unknown_group};
use crate::answer::Answer;
use crate::api::App;
use crate::live::{self, LiveRow, Resource as _};
use crate::past::Asks;

pub(super) async fn by_id(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Answered {
    Ok(look(&app, id, &asks, &asked).await?.to(&asked))
}

/// How the members of a group stand with each other.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Balances {
    /// The group.
    group_id: Uuid,
    /// Whether it has settled up.
    status: GroupStatus,
    /// What all of its amounts are in.
    currency: Currency,
    /// The members, by when they joined.
    items: Vec<MemberRow>,
}

pub(super) async fn balances(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Answered {
    let answer = look(&app, id, &asks, &asked).await?;
    let group: GroupRow = serde_json::from_str(&answer.body).map_err(Problem::internal)?;
    let GroupRow { id: group_id, status, currency, members: items, .. } = group;
    let balances = Balances { group_id, status, currency, items };
    let body = serde_json::to_string(&balances).map_err(Problem::internal)?;
    Ok(Answer { body, ..answer }.to(&asked))
}

pub(super) async fn live(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    asked: Asked,
    headers: HeaderMap,
) -> Answered {
    let group = LiveRow::<Groups>::of(&app, &asked, id, unknown_group).await?;
    live::stream(&app, &asked.tenant, &headers, group).await
}

async fn look(app: &App, id: Uuid, asks: &Asks, asked: &Asked) -> Result<Answer, Problem> {
    let group = LiveRow::<Groups>::of(app, asked, id, unknown_group).await?;
    if let Some(as_of) = &asks.as_of {
        let was = app.past.row::<Travel, Groups>(&group.place, asked, &id.into(), None, as_of).await?;
        return was.answer(|as_of| unknown_group(as_of, None));
    }
    let seen = group.look().await?;
    Ok(Answer { body: seen.body, reflects: seen.reflects, parked: seen.parked })
}
