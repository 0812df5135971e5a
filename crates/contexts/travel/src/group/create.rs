use kernel::{Command, Currency, Decision, Facts, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Group, GroupCreated, GroupRejection, GroupState, TripWindow};
use crate::limits::{NAME_LONGEST, trimmed};

/// Makes a group, with no members yet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroup {
    /// The group's id; one is made where none is given.
    pub group_id: Option<Uuid>,
    /// Its name.
    #[schemars(length(min = 1, max = NAME_LONGEST))]
    pub name: String,
    /// What it counts and settles up in.
    pub currency: Currency,
    /// When it travels.
    pub trip_window: TripWindow,
}

impl Command for CreateGroup {
    const NAME: &'static str = "create-group";
    type Decider = Group;
    type Rejection = GroupRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("name", &self.name, NAME_LONGEST);
        self.trip_window.check(violations);
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.group_id
    }

    fn decide(&self, state: &GroupState, facts: &Facts) -> Verdict<Self> {
        if *state != GroupState::Unknown {
            return Err(GroupRejection::GroupExists);
        }
        Ok(Decision::record(GroupCreated {
            group_id: facts.id,
            name: trimmed(&self.name),
            currency: self.currency,
            trip_window: self.trip_window,
        }))
    }
}
