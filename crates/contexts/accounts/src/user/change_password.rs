use kernel::{Command, Decision, Facts, Secret, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{PasswordChanged, User, UserRejection, UserState};
use crate::texts::{PASSWORD_LONGEST, PASSWORD_SHORTEST, check_password};

/// Gives a user another password. It holds from the next sign-in on; tokens that were given before stay valid until
/// they expire.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The user.
    pub user_id: Uuid,
    /// Their new password, of at least 12 characters. No event, log line or once-only key keeps anything of it.
    #[schemars(length(min = PASSWORD_SHORTEST, max = PASSWORD_LONGEST))]
    pub password: Secret,
}

impl Command for ChangePassword {
    const NAME: &'static str = "change-password";
    const SECRETS: &'static [&'static str] = &["password"];
    type Decider = User;
    type Rejection = UserRejection;

    fn validate(&self, violations: &mut Violations) {
        check_password(violations, &self.password);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn decide(&self, state: &UserState, _: &Facts) -> Verdict<Self> {
        state.active()?;
        // Whether it is the same one cannot be seen from here, nor should it be.
        Ok(Decision::record(PasswordChanged { user_id: self.user_id }).password(self.password.clone()))
    }
}
