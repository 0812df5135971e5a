use kernel::{Command, Decision, Facts, Secret, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{User, UserRegistered, UserRejection, UserState};
use crate::email::{EMAIL_LONGEST, EMAILS, check_email, unique_email};
use crate::texts::{NAME_LONGEST, PASSWORD_LONGEST, PASSWORD_SHORTEST, check_password, trimmed};

/// Makes somebody a user, who can sign in with e-mail address and password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterUser {
    /// The user's id; one is made where none is given.
    pub user_id: Option<Uuid>,
    /// Their e-mail address, unique within the tenant whatever its case.
    #[schemars(length(min = 1, max = EMAIL_LONGEST))]
    pub email: String,
    /// Their name.
    #[schemars(length(min = 1, max = NAME_LONGEST))]
    pub name: String,
    /// Their password, of at least 12 characters. No event, log line or once-only key keeps anything of it.
    #[schemars(length(min = PASSWORD_SHORTEST, max = PASSWORD_LONGEST))]
    pub password: Secret,
}

impl Command for RegisterUser {
    const NAME: &'static str = "register-user";
    const SECRETS: &'static [&'static str] = &["password"];
    type Decider = User;
    type Rejection = UserRejection;

    fn validate(&self, violations: &mut Violations) {
        check_email(violations, &self.email);
        violations.line("name", &self.name, NAME_LONGEST);
        check_password(violations, &self.password);
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.user_id
    }

    fn decide(&self, state: &UserState, facts: &Facts) -> Verdict<Self> {
        if *state != UserState::Unknown {
            return Err(UserRejection::UserExists);
        }
        let registered =
            UserRegistered { user_id: facts.id, email: trimmed(&self.email), name: trimmed(&self.name) };
        Ok(Decision::record(registered)
            .claim(EMAILS, unique_email(&self.email), UserRejection::EmailTaken)
            .password(self.password.clone()))
    }
}
