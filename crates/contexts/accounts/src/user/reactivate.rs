use kernel::{Command, Decision, Facts, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{User, UserReactivated, UserRejection, UserState};

/// Takes a user back who had left, or who was shut out. One who is active stays as they are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactivateUser {
    /// The user.
    pub user_id: Uuid,
}

impl Command for ReactivateUser {
    const NAME: &'static str = "reactivate-user";
    type Decider = User;
    type Rejection = UserRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn decide(&self, state: &UserState, _: &Facts) -> Verdict<Self> {
        let was_suspended = match state {
            UserState::Unknown => return Err(UserRejection::UnknownUser),
            UserState::Active(_) => return Ok(Decision::nothing()),
            UserState::Inactive(_) => false,
            UserState::Suspended(_) => true,
        };
        Ok(Decision::record(UserReactivated { user_id: self.user_id, was_suspended }))
    }
}
