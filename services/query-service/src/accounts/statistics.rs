//! Users and posts, counted.

use ::accounts::views::{ALL, AccountCounts, Statistics};
use axum::extract::State;
use axum::response::Response;
use http_api::Problem;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Accounts, Asked};
use crate::answer::Answer;
use crate::api::App;

/// How many users and posts a tenant has.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AccountStatistics {
    /// All users, however they stand.
    total_users: i64,
    /// Users who may act.
    active_users: i64,
    /// Users who left, and can come back.
    inactive_users: i64,
    /// Users who were shut out.
    suspended_users: i64,
    /// Posts that can be seen.
    total_posts: i64,
    /// Posts for each user, on average, to two decimals; 0 where there are no users.
    avg_posts_per_user: f64,
}

impl From<AccountCounts> for AccountStatistics {
    fn from(counts: AccountCounts) -> Self {
        let AccountCounts { active_users, inactive_users, suspended_users, total_posts } = counts;
        let total_users = counts.total_users();
        Self {
            total_users,
            active_users,
            inactive_users,
            suspended_users,
            total_posts,
            avg_posts_per_user: average(total_posts, total_users),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "two decimals of a ratio of counts")]
fn average(posts: i64, users: i64) -> f64 {
    if users == 0 { 0.0 } else { (posts as f64 / users as f64 * 100.0).round() / 100.0 }
}

pub(super) async fn of_tenant(State(app): State<App>, asked: Asked) -> Result<Response, Problem> {
    let place = app.stores.place::<Accounts, Statistics>(&asked).await?;
    let found = app.stores.row::<Statistics>(&place, &asked.tenant, ALL, asked.deadline).await?;
    let parked = place.parked(found.parked)?;
    let counts: AccountCounts = match &found.row {
        Some(row) => serde_json::from_str(&row.body).map_err(Problem::internal)?,
        // A tenant without users has counts all the same.
        None => AccountCounts::default(),
    };
    let body = serde_json::to_string(&AccountStatistics::from(counts)).map_err(Problem::internal)?;
    Ok(Answer { body, reflects: place.log.at(found.reflects), parked }.to(&asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_has_two_decimals_and_is_nothing_of_nobody() {
        assert_eq!([average(0, 0), average(5, 0), average(0, 3)], [0.0, 0.0, 0.0]);
        assert_eq!([average(1, 3), average(2, 3), average(10, 4)], [0.33, 0.67, 2.5]);
    }
}
