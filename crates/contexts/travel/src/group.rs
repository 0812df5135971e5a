//! A group: who travels together, when, and in which currency they settle up.

mod add_member;
mod create;
mod liquidate;
mod remove_member;
mod update_window;

pub use add_member::AddGroupMember;
pub use create::CreateGroup;
pub use liquidate::{LiquidateGroupWithWallets, LiquidationRejection};
pub use remove_member::RemoveGroupMember;
pub use update_window::UpdateGroupTripWindow;

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, Day, Decider, Facts, Timestamp, Violations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::TRIP_DAYS_MOST;

/// The stream of one group.
#[derive(Debug, Clone, Copy)]
pub struct Group;

kernel::events! {
    /// What can happen to a group.
    pub enum GroupEvent in "schemas/travel" {
        GroupCreated, GroupMemberAdded, GroupMemberRemoved, GroupTripWindowUpdated, GroupLiquidated
    }
}

/// The days of a trip, the first and the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TripWindow {
    /// The first day.
    pub from: Day,
    /// The last day; not before the first.
    pub to: Day,
}

impl TripWindow {
    /// Whether a moment lies in it.
    pub fn holds(&self, moment: Timestamp) -> bool {
        (self.from..=self.to).contains(&Day::of(moment))
    }

    /// Whether it has both days.
    pub fn spans(&self, from: Day, to: Day) -> bool {
        self.from <= from && to <= self.to
    }

    fn check(&self, violations: &mut Violations) {
        violations.require(self.from <= self.to, "trip_window.to", "before-from");
        violations.require(self.to.since(self.from) <= TRIP_DAYS_MOST, "trip_window.to", "too-long");
    }
}

/// A group was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupCreated {
    /// The group.
    pub group_id: Uuid,
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub currency: Currency,
    /// When it travels.
    pub trip_window: TripWindow,
}

/// Somebody joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupMemberAdded {
    /// The group.
    pub group_id: Uuid,
    /// Who.
    pub user_id: Uuid,
}

/// Somebody who neither owes nor is owed anything left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupMemberRemoved {
    /// The group.
    pub group_id: Uuid,
    /// Who.
    pub user_id: Uuid,
}

/// The trip was moved, made longer or shorter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupTripWindowUpdated {
    /// The group.
    pub group_id: Uuid,
    /// When it travels now.
    pub trip_window: TripWindow,
}

/// Every debt was settled from the wallets, and the group is closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupLiquidated {
    /// The group.
    pub group_id: Uuid,
    /// What all amounts are in.
    pub currency: Currency,
    /// Everybody whose wallet it changed or who had money in one, by user id. The changes sum to 0.
    pub settlements: Vec<Settlement>,
    /// Who paid whom; together they are the changes.
    pub payments: Vec<Payment>,
}

/// What settling up did to a wallet, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settlement {
    /// Whose wallet.
    pub user_id: Uuid,
    /// What came in; below 0, what went out.
    pub change: i64,
    /// What is in it now.
    pub wallet: i64,
}

/// A payment from one wallet into another, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// Who pays.
    pub from: Uuid,
    /// Who gets it.
    pub to: Uuid,
    /// How much, above 0.
    pub amount: i64,
}

/// Where a group stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum GroupState {
    /// There is none.
    #[default]
    Unknown,
    /// It travels, or will.
    Open(Travellers),
    /// It has settled up. What that moved, by wallet.
    Closed {
        /// What it counted in.
        currency: Currency,
        /// What came into each wallet; below 0, what went out.
        changes: BTreeMap<Uuid, i64>,
    },
}

/// Who travels when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Travellers {
    /// What they count in.
    pub currency: Currency,
    /// When they travel.
    pub window: TripWindow,
    /// Who they are.
    pub members: BTreeSet<Uuid>,
}

kernel::rejections! {
    /// Why a group is not made or its days are not changed.
    pub enum GroupRejection {
        /// The id is in use.
        GroupExists = "group-exists": "a group with this id exists already",
        /// There is no such group.
        UnknownGroup = "unknown-group": "there is no group with this id",
        /// It has settled up.
        GroupClosed = "group-closed": "the group has settled up and is closed",
        /// Nights are booked that the new days do not have.
        BookingsOutsideWindow = "bookings-outside-window": "the group has bookings outside of these days",
    }
}

kernel::rejections! {
    /// Why nobody joins or leaves.
    pub enum MembershipRejection {
        /// There is no such group.
        UnknownGroup = "unknown-group": "there is no group with this id",
        /// It has settled up.
        GroupClosed = "group-closed": "the group has settled up and is closed",
        /// They are in it.
        AlreadyMember = "already-member": "the user is a member of the group already",
        /// They are not in it.
        NotAMember = "not-a-member": "the user is no member of the group",
        /// It has as many members as a group may have.
        GroupFull = "group-full": "the group has as many members as a group can have",
        /// They have money in their wallet, owe or are owed something, or may soon.
        HasBalance = "has-balance":
            "the member has money in the wallet, a balance with the others, or a part in an expense to be decided",
    }
}

/// There is no group that anything could be done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoGroup {
    /// There never was one.
    Unknown,
    /// It has settled up.
    Closed,
}

/// Lets a rejection say what [`NoGroup`] says.
macro_rules! needs_a_group {
    ($($rejection:ty),+) => {
        $(impl From<$crate::group::NoGroup> for $rejection {
            fn from(no: $crate::group::NoGroup) -> Self {
                match no {
                    $crate::group::NoGroup::Unknown => Self::UnknownGroup,
                    $crate::group::NoGroup::Closed => Self::GroupClosed,
                }
            }
        })+
    };
}
pub(crate) use needs_a_group;

needs_a_group!(GroupRejection, MembershipRejection, LiquidationRejection);

impl GroupState {
    /// Those who travel, where they have not settled up.
    pub(crate) fn travellers(&self) -> Result<&Travellers, NoGroup> {
        match self {
            Self::Unknown => Err(NoGroup::Unknown),
            Self::Closed { .. } => Err(NoGroup::Closed),
            Self::Open(travellers) => Ok(travellers),
        }
    }
}

/// Those who travel, as a fact for a command about something of theirs.
pub(crate) fn travellers(facts: &Facts, group_id: Uuid) -> Result<&Travellers, NoGroup> {
    facts.state::<Group>(group_id).travellers()
}

impl Decider for Group {
    const STREAM: &'static str = "group";
    const STATE_VERSION: u32 = 1;
    type Event = GroupEvent;
    type State = GroupState;

    fn evolve(state: GroupState, event: &GroupEvent) -> GroupState {
        match (state, event) {
            (_, GroupEvent::GroupCreated(created)) => GroupState::Open(Travellers {
                currency: created.currency,
                window: created.trip_window,
                members: BTreeSet::new(),
            }),
            (_, GroupEvent::GroupLiquidated(liquidated)) => GroupState::Closed {
                currency: liquidated.currency,
                changes: liquidated.settlements.iter().map(|it| (it.user_id, it.change)).collect(),
            },
            (GroupState::Open(mut travellers), event) => {
                travellers.apply(event);
                GroupState::Open(travellers)
            }
            (state @ (GroupState::Unknown | GroupState::Closed { .. }), _) => state,
        }
    }
}

impl Travellers {
    fn apply(&mut self, event: &GroupEvent) {
        match event {
            GroupEvent::GroupMemberAdded(added) => {
                self.members.insert(added.user_id);
            }
            GroupEvent::GroupMemberRemoved(removed) => {
                self.members.remove(&removed.user_id);
            }
            GroupEvent::GroupTripWindowUpdated(updated) => self.window = updated.trip_window,
            GroupEvent::GroupCreated(_) | GroupEvent::GroupLiquidated(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
