//! What the accounts can be asked.

mod statistics;
mod users;

use ::accounts::views::UserRow;
use http_api::{Operation, ProblemType};
use kernel::Context;
use uuid::Uuid;

use crate::api::Api;
use crate::live::operation as live;
use crate::past;

type Accounts = ::accounts::Accounts;
type Asked = crate::asked::Asked<Accounts>;

const TAG: &str = "accounts";

/// Adds the accounts' queries.
pub(crate) fn add_to(api: &mut Api) {
    api.tag(TAG, "Users, what they post and whom they follow.");
    api.get(
        "/v1/accounts/users",
        users::list,
        query("listUsers", "The active users, the newest first")
            .description(users::DESCRIPTION)
            .query_parameters::<users::Asks>()
            .answer::<users::NumberedPage<UserRow>>(200, "A page of users."),
    );
    api.get(
        "/v1/accounts/users/{id}",
        users::by_id,
        query("getUser", "A user, as of the last command that was answered")
            .query_parameters::<past::Asks>()
            .problem(ProblemType::Unavailable)
            .path_parameter::<Uuid>("id", "The user.")
            .answer::<UserRow>(200, "The user.")
            .problem(ProblemType::NotFound),
    );
    api.get(
        "/v1/accounts/users/{id}/live",
        users::live,
        live("watchUser", "A user each time that anything about them changes")
            .tag(TAG)
            .scope(format!("{}:read", Accounts::NAME))
            .path_parameter::<Uuid>("id", "The user.")
            .answer_events::<UserRow>(200, "Events `changed`, each with the whole user."),
    );
    api.get(
        "/v1/accounts/statistics",
        statistics::of_tenant,
        query("getAccountStatistics", "How many users and posts there are")
            .answer::<statistics::AccountStatistics>(200, "The counts."),
    );
}

fn query(id: &str, summary: &str) -> Operation {
    Operation::new(id, summary).tag(TAG).scope(format!("{}:read", Accounts::NAME)).reads()
}
