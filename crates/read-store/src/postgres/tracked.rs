//! The tracker, read.

use kernel::Lane;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use super::failure::{corrupt, store_error};
use crate::{BuildState, StoreError, Tracked, TrackedLane, ViewVersion};

/// A row for each lane of each version, and one for a version without any.
const TRACKED: &str = "
    SELECT c.sequence, c.\"offset\", c.epoch, c.chain, v.version, v.state, c.lane
      FROM projection_versions AS v
      LEFT JOIN checkpoints AS c ON c.view = v.view AND c.version = v.version
     WHERE v.view = $1
     ORDER BY v.version, c.lane";

pub(super) async fn tracked(
    pool: &PgPool,
    view: &ViewVersion,
    lanes: &[Lane],
) -> Result<Vec<Tracked>, StoreError> {
    let rows = sqlx::query(TRACKED).bind(view.view).fetch_all(pool).await.map_err(store_error)?;
    let mut all: Vec<Tracked> = Vec::new();
    for row in &rows {
        let version = row.try_get::<i32, _>(4).map_err(corrupt)?.cast_unsigned();
        if all.last().is_none_or(|last| last.version != version) {
            all.push(Tracked { version, state: state(row)?, lanes: Vec::new() });
        }
        let Some(lane) = row.try_get::<Option<i32>, _>(6).map_err(corrupt)? else { continue };
        let lane = u16::try_from(lane).map_err(|_| StoreError::Corrupt("a lane's number".to_owned()))?;
        let lane = Lane::new(lane);
        if let Some(last) = all.last_mut().filter(|_| lanes.contains(&lane)) {
            last.lanes.push(TrackedLane { lane, checkpoint: super::checkpoint(row)? });
        }
    }
    Ok(all)
}

fn state(row: &PgRow) -> Result<BuildState, StoreError> {
    match row.try_get(5).map_err(corrupt)? {
        "building" => Ok(BuildState::Building),
        "serving" => Ok(BuildState::Serving),
        "retained" => Ok(BuildState::Retained),
        _ => Err(StoreError::Corrupt("a version's state".to_owned())),
    }
}
