//! One group, and how its members stand with each other.

use ::travel::views::{GroupRow, GroupStatus, Groups, MemberRow};
use axum::extract::State;
use http_api::{Path, Problem, Query};
use kernel::Currency;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{Answered, Asked, Travel, unknown_group};
use crate::answer::Answer;
use crate::api::App;
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

async fn look(app: &App, id: Uuid, asks: &Asks, asked: &Asked) -> Result<Answer, Problem> {
    let place = app.stores.place::<Travel, Groups>(asked).await?;
    if let Some(as_of) = &asks.as_of {
        let was = app.past.row::<Travel, Groups>(&place, asked, &id.into(), None, as_of).await?;
        return was.answer(|as_of| unknown_group(as_of, None));
    }
    let found = app.stores.row::<Groups>(&place, &asked.tenant, &id.to_string(), asked.deadline).await?;
    let reflects = place.log.at(found.reflects);
    let parked = place.parked(found.parked)?;
    let row = found.row.ok_or_else(|| unknown_group(&reflects, parked))?;
    Ok(Answer { body: row.body, reflects, parked })
}
