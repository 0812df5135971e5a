//! One booking.

use ::travel::views::{BookingRow, Bookings};
use axum::extract::State;
use axum::http::HeaderMap;
use http_api::{Path, Problem, Query};
use kernel::{LaneToken, Sequence};
use uuid::Uuid;

use super::{Answered, Asked, Travel};
use crate::answer::{Answer, not_found};
use crate::api::App;
use crate::live::{self, LiveRow, Resource as _};
use crate::past::Asks;

pub(super) async fn by_id(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asks): Query<Asks>,
    asked: Asked,
) -> Answered {
    let booking = LiveRow::<Bookings>::of(&app, &asked, id, unknown).await?;
    let seen = booking.look().await?;
    if let Some(as_of) = &asks.as_of {
        // A booking never goes away, and says whose it is.
        let now: BookingRow = serde_json::from_str(&seen.body).map_err(Problem::internal)?;
        let place = &booking.place;
        let was = app.past.row::<Travel, Bookings>(place, &asked, &id.into(), Some(&now), as_of).await?;
        return Ok(was.answer(|as_of| unknown(as_of, None))?.to(&asked));
    }
    Ok(Answer { body: seen.body, reflects: seen.reflects, parked: seen.parked }.to(&asked))
}

pub(super) async fn live(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    asked: Asked,
    headers: HeaderMap,
) -> Answered {
    let booking = LiveRow::<Bookings>::of(&app, &asked, id, unknown).await?;
    live::stream(&app, &asked.tenant, &headers, booking).await
}

fn unknown(reflects: &LaneToken, parked: Option<Sequence>) -> Problem {
    not_found("unknown-booking", "there is no such booking", reflects, parked)
}
