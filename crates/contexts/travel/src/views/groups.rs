use kernel::{Currency, Keys, Money, ReadStore, Recorded, RowKey, Source, Timestamp, Unfoldable, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::begun;
use crate::{
    Booking, BookingEvent, Expense, ExpenseEvent, Group, GroupCreated, GroupEvent, GroupLiquidated, Part,
    TravelEvent, TripWindow, Wallet, WalletEvent,
};

/// The groups, each with its members and how they stand with each other.
#[derive(Debug, Clone, Copy)]
pub struct Groups;

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRow {
    /// The group.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it has settled up.
    pub status: GroupStatus,
    /// What all of its amounts are in.
    pub currency: Currency,
    /// When it travels.
    pub trip_window: TripWindow,
    /// Its members, by when they joined; and those who left, where they paid or were paid for.
    pub members: Vec<MemberRow>,
    /// Who paid whom when it settled up.
    pub payments: Vec<PaymentRow>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it settled up.
    pub closed_at: Option<Timestamp>,
}

/// Whether a group has settled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupStatus {
    /// It has not.
    Open,
    /// It has.
    Closed,
}

/// A payment from one wallet into another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRow {
    /// Who paid.
    pub from: Uuid,
    /// Who got it.
    pub to: Uuid,
    /// How much.
    pub amount: Money,
}

/// A member of a group and how they stand with the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRow {
    /// Who.
    pub user_id: Uuid,
    /// What is in their wallet.
    pub wallet: Money,
    /// What they paid for the group: approved expenses and bookings.
    pub paid: Money,
    /// What of all that was paid falls to them.
    pub share: Money,
    /// What the others owe them; below 0, what they owe the others. Over all members, these sum to 0. Nothing once
    /// the group has settled up.
    pub balance: Money,
    /// When they joined.
    pub joined_at: Timestamp,
    /// When they left.
    pub left_at: Option<Timestamp>,
}

impl View for Groups {
    const NAME: &'static str = "travel-groups";
    const VERSION: u32 = 1;
    const STORES: &'static [ReadStore] = &[ReadStore::Redis, ReadStore::Postgres];
    type Event = TravelEvent;
    type Row = GroupRow;

    fn keys(event: &Recorded<TravelEvent>) -> Keys {
        match group_of(&event.event) {
            Some(group) => Keys::one(group),
            None => Keys::None,
        }
    }

    fn sources(key: &RowKey, _: Option<&GroupRow>) -> Vec<Source> {
        let Ok(group) = key.as_str().parse() else { return Vec::new() };
        vec![
            Source::of::<Group>(group),
            Source::all::<Wallet>(group),
            Source::all::<Expense>(group),
            Source::all::<Booking>(group),
        ]
    }

    fn evolve(
        _: &RowKey,
        row: Option<GroupRow>,
        event: &Recorded<TravelEvent>,
    ) -> Result<Option<GroupRow>, Unfoldable> {
        if let TravelEvent::Group(GroupEvent::GroupCreated(created)) = &event.event {
            return Ok(Some(GroupRow::new(created, event.recorded_at)));
        }
        let mut row = begun(row, "group")?;
        match &event.event {
            TravelEvent::Group(happened) => row.apply(happened, event.recorded_at),
            TravelEvent::Wallet(WalletEvent::WalletFunded(funded)) => {
                row.member(funded.user_id, event.recorded_at).wallet.amount += funded.amount.amount;
            }
            TravelEvent::Wallet(WalletEvent::WalletWithdrawn(withdrawn)) => {
                row.member(withdrawn.user_id, event.recorded_at).wallet.amount -= withdrawn.amount.amount;
            }
            TravelEvent::Expense(ExpenseEvent::ExpenseApproved(approved)) => {
                row.paid(approved.paid_by, &approved.parts, 1, event.recorded_at);
            }
            TravelEvent::Booking(BookingEvent::HotelRoomBooked(booked)) => {
                if let Some(paid_by) = booked.paid_by {
                    row.paid(paid_by, &booked.parts, 1, event.recorded_at);
                }
            }
            TravelEvent::Booking(BookingEvent::PaymentRefunded(refunded)) => {
                if let Some(paid_by) = refunded.paid_by {
                    row.paid(paid_by, &refunded.parts, -1, event.recorded_at);
                }
            }
            _ => {}
        }
        Ok(Some(row))
    }
}

/// The group whose members' standing an event may change.
fn group_of(event: &TravelEvent) -> Option<Uuid> {
    Some(match event {
        TravelEvent::Group(GroupEvent::GroupCreated(event)) => event.group_id,
        TravelEvent::Group(GroupEvent::GroupMemberAdded(event)) => event.group_id,
        TravelEvent::Group(GroupEvent::GroupMemberRemoved(event)) => event.group_id,
        TravelEvent::Group(GroupEvent::GroupTripWindowUpdated(event)) => event.group_id,
        TravelEvent::Group(GroupEvent::GroupLiquidated(event)) => event.group_id,
        TravelEvent::Wallet(WalletEvent::WalletFunded(event)) => event.group_id,
        TravelEvent::Wallet(WalletEvent::WalletWithdrawn(event)) => event.group_id,
        TravelEvent::Expense(ExpenseEvent::ExpenseApproved(event)) => event.group_id,
        TravelEvent::Booking(BookingEvent::HotelRoomBooked(event)) if event.paid_by.is_some() => {
            event.group_id
        }
        TravelEvent::Booking(BookingEvent::PaymentRefunded(event)) if event.paid_by.is_some() => {
            event.group_id
        }
        TravelEvent::Expense(_)
        | TravelEvent::Booking(_)
        | TravelEvent::Item(_)
        | TravelEvent::Budget(_)
        | TravelEvent::Hotel(_) => return None,
    })
}

impl GroupRow {
    fn new(created: &GroupCreated, at: Timestamp) -> Self {
        Self {
            id: created.group_id,
            name: created.name.clone(),
            status: GroupStatus::Open,
            currency: created.currency,
            trip_window: created.trip_window,
            members: Vec::new(),
            payments: Vec::new(),
            created_at: at,
            closed_at: None,
        }
    }

    fn apply(&mut self, event: &GroupEvent, at: Timestamp) {
        match event {
            GroupEvent::GroupCreated(_) => {}
            GroupEvent::GroupMemberAdded(added) => {
                let member = self.member(added.user_id, at);
                member.joined_at = at;
                member.left_at = None;
            }
            GroupEvent::GroupMemberRemoved(removed) => {
                self.member(removed.user_id, at).left_at = Some(at);
                self.members.retain(|it| it.left_at.is_none() || it.paid.amount != 0 || it.share.amount != 0);
            }
            GroupEvent::GroupTripWindowUpdated(updated) => self.trip_window = updated.trip_window,
            GroupEvent::GroupLiquidated(liquidated) => self.close(liquidated, at),
        }
    }

    fn close(&mut self, liquidated: &GroupLiquidated, at: Timestamp) {
        self.status = GroupStatus::Closed;
        self.closed_at = Some(at);
        let paid = liquidated.payments.iter().map(|payment| PaymentRow {
            from: payment.from,
            to: payment.to,
            amount: Money::new(payment.amount, liquidated.currency),
        });
        self.payments = paid.collect();
        for settlement in &liquidated.settlements {
            let member = self.member(settlement.user_id, at);
            member.wallet.amount += settlement.change;
            member.balance.amount -= settlement.change;
        }
    }

    fn paid(&mut self, by: Uuid, parts: &[Part], times: i64, at: Timestamp) {
        for Part { user_id, amount } in parts {
            let payer = self.member(by, at);
            payer.paid.amount += times * amount;
            payer.balance.amount += times * amount;
            let member = self.member(*user_id, at);
            member.share.amount += times * amount;
            member.balance.amount -= times * amount;
        }
    }

    fn member(&mut self, user_id: Uuid, at: Timestamp) -> &mut MemberRow {
        let known = self.members.iter().position(|member| member.user_id == user_id);
        let index = known.unwrap_or_else(|| {
            let nothing = Money::new(0, self.currency);
            self.members.push(MemberRow {
                user_id,
                wallet: nothing,
                paid: nothing,
                share: nothing,
                balance: nothing,
                joined_at: at,
                left_at: None,
            });
            self.members.len() - 1
        });
        &mut self.members[index]
    }
}
