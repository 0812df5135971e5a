use kernel::{Command, Decision, Facts, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Group, GroupMemberAdded, GroupState, MembershipRejection};
use crate::limits::MEMBERS_MOST;

/// Takes a user into a group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddGroupMember {
    /// The group.
    pub group_id: Uuid,
    /// Who joins.
    pub user_id: Uuid,
}

impl Command for AddGroupMember {
    const NAME: &'static str = "add-group-member";
    type Decider = Group;
    type Rejection = MembershipRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn decide(&self, state: &GroupState, _: &Facts) -> Verdict<Self> {
        let members = &state.travellers()?.members;
        if members.contains(&self.user_id) {
            return Err(MembershipRejection::AlreadyMember);
        }
        if members.len() >= MEMBERS_MOST {
            return Err(MembershipRejection::GroupFull);
        }
        Ok(Decision::record(GroupMemberAdded { group_id: self.group_id, user_id: self.user_id }))
    }
}
