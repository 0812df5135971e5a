use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{User, UserRejection, UserState, UserSuspended};
use crate::texts::{REASON_LONGEST, check_reason, trimmed};

/// Shuts a user out until they are reactivated, whether they are active or had left. Doing it twice changes nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendUser {
    /// The user.
    pub user_id: Uuid,
    /// Why.
    #[serde(default)]
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: Option<String>,
}

impl Command for SuspendUser {
    const NAME: &'static str = "suspend-user";
    type Decider = User;
    type Rejection = UserRejection;

    fn validate(&self, violations: &mut Violations) {
        check_reason(violations, self.reason.as_deref());
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn decide(&self, state: &UserState, _: &Facts) -> Verdict<Self> {
        let was_inactive = match state {
            UserState::Unknown => return Err(UserRejection::UnknownUser),
            UserState::Active(_) => false,
            UserState::Inactive(_) => true,
            UserState::Suspended(_) => return Ok(Decision::nothing()),
        };
        let reason = self.reason.as_deref().map(trimmed);
        Ok(Decision::record(UserSuspended { user_id: self.user_id, reason, was_inactive }))
    }
}
