//! One booking.

use ::travel::views::{BookingRow, Bookings};
use axum::extract::State;
use http_api::{Path, Problem, Query};
use kernel::{LaneToken, Sequence};
use uuid::Uuid;

use super::{Answered, Asked, Travel};
use crate::answer::{Answer, not_found};
use crate::api::App;
use crate::past::Asks;

pub(super) async fn by_id(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Answered {
    let place = app.stores.place::<Travel, Bookings>(&asked).await?;
    let found = app.stores.row::<Bookings>(&place, &asked.tenant, &id.to_string(), asked.deadline).await?;
    let reflects = place.log.at(found.reflects);
    let parked = place.parked(found.parked)?;
    let row = found.row.ok_or_else(|| unknown(&reflects, parked))?;
    if let Some(as_of) = &asks.as_of {
        // A booking never goes away, and says whose it is.
        let now: BookingRow = serde_json::from_str(&row.body).map_err(Problem::internal)?;
        let was = app.past.row::<Travel, Bookings>(&place, &asked, &id.into(), Some(&now), as_of).await?;
        return Ok(was.answer(|as_of| unknown(as_of, None))?.to(&asked));
    }
    Ok(Answer { body: row.body, reflects, parked }.to(&asked))
}

fn unknown(reflects: &LaneToken, parked: Option<Sequence>) -> Problem {
    not_found("unknown-booking", "there is no such booking", reflects, parked)
}
