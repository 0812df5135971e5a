use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{User, UserDeactivated, UserRejection, UserState};
use crate::texts::{REASON_LONGEST, check_reason, trimmed};

/// Lets a user leave for the time being. They can be reactivated; their e-mail address stays taken. Doing it twice
/// changes nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivateUser {
    /// The user.
    pub user_id: Uuid,
    /// Why.
    #[serde(default)]
    #[schemars(length(min = 1, max = REASON_LONGEST))]
    pub reason: Option<String>,
}

impl Command for DeactivateUser {
    const NAME: &'static str = "deactivate-user";
    type Decider = User;
    type Rejection = UserRejection;

    fn validate(&self, violations: &mut Violations) {
        check_reason(violations, self.reason.as_deref());
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn decide(&self, state: &UserState, _: &Facts) -> Verdict<Self> {
        match state {
            UserState::Unknown => Err(UserRejection::UnknownUser),
            UserState::Active(_) => {
                let reason = self.reason.as_deref().map(trimmed);
                Ok(Decision::record(UserDeactivated { user_id: self.user_id, reason }))
            }
            UserState::Inactive(_) => Ok(Decision::nothing()),
            // Else who was shut out could leave and come back.
            UserState::Suspended(_) => Err(UserRejection::Suspended),
        }
    }
}
