//! What is free of a hotel's rooms.

use ::travel::Nights;
use ::travel::views::Rooms;
use axum::extract::State;
use http_api::Query;
use kernel::{Day, Money};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Answered, Asked, Travel};
use crate::answer::not_found;
use crate::api::App;
use crate::listing::{Gathered, invalid, unless_empty};
use crate::stores::statement_problem;

/// See `queries/travel/rooms.sql`.
const ROOMS: &str = include_str!("../../queries/travel/rooms.sql");
/// Most nights in one answer.
const NIGHTS_MOST: i32 = 100;

/// Rooms of a type that are free on a night. The form is made by the statement; this is its description.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FreeRooms {
    /// Where.
    hotel_id: Uuid,
    /// Which.
    room_type: String,
    /// The day that the night begins on.
    night: Day,
    /// How many are free.
    free: i64,
    /// How many there are.
    count: i64,
    /// What one costs a night.
    price: Money,
}

/// Which rooms.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asks {
    /// Where.
    hotel_id: Uuid,
    /// The day of the first night.
    from: Day,
    /// The day of leaving, as in a booking; one night when absent or the same day. At most 100 nights.
    #[serde(default, deserialize_with = "unless_empty")]
    to: Option<Day>,
    /// Which; all types when absent.
    #[serde(default, deserialize_with = "unless_empty")]
    room_type: Option<String>,
}

pub(super) async fn list(State(app): State<App>, Query(asks): Query<Asks>, asked: Asked) -> Answered {
    let nights = Nights { from: asks.from, to: asks.to.unwrap_or(asks.from) };
    if !(0..=NIGHTS_MOST).contains(&nights.to.since(nights.from)) {
        let detail = format!("`to` must be `from` or up to {NIGHTS_MOST} days later");
        return Err(invalid("to", "out-of-range", detail));
    }
    let place = app.stores.place::<Travel, Rooms>(&asked).await?;
    app.stores.catch_up::<Rooms>(&place, asked.deadline).await?;
    let days: Vec<String> = nights.each().map(|night| night.to_string()).collect();
    // No type has a zero character, and Postgres takes none.
    let room_type = asks.room_type.map(|room_type| room_type.trim().replace('\0', "\u{fffd}"));
    let rows = sqlx::query(ROOMS)
        .bind(asked.tenant.as_str())
        .bind(place.lane())
        .bind(asks.hotel_id.to_string())
        .bind(room_type)
        .bind(days)
        .fetch_all(app.stores.pool())
        .await
        .map_err(statement_problem)?;
    let found = Gathered::of(&place, &rows, |_| Ok(()))?;
    if found.items.is_empty() {
        let detail = "there is no such hotel, or it has no rooms of this type";
        return Err(not_found("unknown-rooms", detail, &found.reflects, found.parked));
    }
    found.answer(i64::MAX, &asked)
}
