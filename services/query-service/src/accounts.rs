//! What the accounts can be asked.

mod statistics;

use http_api::Operation;
use kernel::Context;

use crate::api::Api;

type Accounts = ::accounts::Accounts;
type Asked = crate::asked::Asked<Accounts>;

const TAG: &str = "accounts";

/// Adds the accounts' queries.
pub(crate) fn add_to(api: &mut Api) {
    api.tag(TAG, "Users, what they post and whom they follow.");
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
