use kernel::{Command, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{ProfileUpdated, User, UserRejection, UserState};
use crate::texts::{BIO_LONGEST, NAME_LONGEST, trimmed};

/// Changes what a user says about themselves. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfile {
    /// The user.
    pub user_id: Uuid,
    /// Their new name.
    #[serde(default)]
    #[schemars(length(min = 1, max = NAME_LONGEST))]
    pub name: Option<String>,
    /// Their own words; empty ones take the old ones away.
    #[serde(default)]
    #[schemars(length(max = BIO_LONGEST))]
    pub bio: Option<String>,
}

impl Command for UpdateProfile {
    const NAME: &'static str = "update-profile";
    type Decider = User;
    type Rejection = UserRejection;

    fn validate(&self, violations: &mut Violations) {
        if let Some(name) = &self.name {
            violations.line("name", name, NAME_LONGEST);
        }
        if let Some(bio) = &self.bio {
            violations.prose("bio", bio, BIO_LONGEST);
        }
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn decide(&self, state: &UserState, _: &Facts) -> Verdict<Self> {
        let profile = state.active()?;
        let updated = ProfileUpdated {
            user_id: self.user_id,
            name: self.name.as_deref().map(trimmed).filter(|name| *name != profile.name),
            bio: self.bio.clone().filter(|bio| *bio != profile.bio),
        };
        let unchanged = updated.name.is_none() && updated.bio.is_none();
        Ok(if unchanged { Decision::nothing() } else { Decision::record(updated) })
    }
}
