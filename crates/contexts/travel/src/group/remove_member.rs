use kernel::{Command, Decision, Facts, Reads, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Group, GroupMemberRemoved, GroupState, MembershipRejection};
use crate::settlement::Debts;
use crate::{Booking, Expense, Wallet};

/// Lets a member go who has nothing to settle with the others: an empty wallet, nothing owed either way, no part in
/// an expense that is still to be decided.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveGroupMember {
    /// The group.
    pub group_id: Uuid,
    /// Who leaves.
    pub user_id: Uuid,
}

impl Command for RemoveGroupMember {
    const NAME: &'static str = "remove-group-member";
    type Decider = Group;
    type Rejection = MembershipRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, group: Uuid, _: &GroupState) -> Reads {
        Reads::none()
            .and_within::<Wallet>(group, self.user_id)
            .and_all::<Expense>(group)
            .and_all::<Booking>(group)
    }

    fn decide(&self, state: &GroupState, facts: &Facts) -> Verdict<Self> {
        let (group, user) = (self.group_id, self.user_id);
        if !state.travellers()?.members.contains(&user) {
            return Err(MembershipRejection::NotAMember);
        }
        let has_money = facts.state_within::<Wallet>(group, user).balance() != 0;
        let waits = facts.all::<Expense>(group).any(|(_, expense)| expense.waits_on(user));
        let debts = Debts::of(
            facts.all::<Expense>(group).map(|(_, expense)| expense),
            facts.all::<Booking>(group).map(|(_, booking)| booking),
        );
        if has_money || waits || debts.owed_to(user) != 0 {
            return Err(MembershipRejection::HasBalance);
        }
        Ok(Decision::record(GroupMemberRemoved { group_id: group, user_id: user }))
    }
}
