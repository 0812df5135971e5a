use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kernel::{Command, Decision, Facts, Reads, Rejection, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Group, GroupLiquidated, GroupState, Settlement};
use crate::settlement::Debts;
use crate::{Booking, Expense, Wallet};

/// Settles every debt between the members from their wallets, to the last minor unit, and closes the group. Either
/// everybody can pay, or nobody does. What is left in a wallet can still be withdrawn.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiquidateGroupWithWallets {
    /// The group.
    pub group_id: Uuid,
}

/// Why a group cannot settle up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiquidationRejection {
    /// There is no such group.
    UnknownGroup,
    /// It has settled up.
    GroupClosed,
    /// These expenses are neither approved nor rejected.
    ExpensesPending(Vec<Uuid>),
    /// The wallets of these members do not have what they owe.
    InsufficientFunds(Vec<Uuid>),
}

/// How many are named in a sentence; the others are counted.
const NAMED_MOST: usize = 20;

impl fmt::Display for LiquidationRejection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownGroup => out.write_str("there is no group with this id"),
            Self::GroupClosed => out.write_str("the group has settled up and is closed"),
            Self::ExpensesPending(expenses) => {
                out.write_str("expenses wait to be approved or rejected: ")?;
                name(expenses, out)
            }
            Self::InsufficientFunds(members) => {
                out.write_str("wallets cannot pay what their members owe: ")?;
                name(members, out)
            }
        }
    }
}

fn name(ids: &[Uuid], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, id) in ids.iter().take(NAMED_MOST).enumerate() {
        let between = if index == 0 { "" } else { ", " };
        write!(out, "{between}{id}")?;
    }
    match ids.len().saturating_sub(NAMED_MOST) {
        0 => Ok(()),
        more => write!(out, " and {more} more"),
    }
}

impl std::error::Error for LiquidationRejection {}

impl Rejection for LiquidationRejection {
    const CODES: &'static [(&'static str, &'static str)] = &[
        ("unknown-group", "there is no group with this id"),
        ("group-closed", "the group has settled up and is closed"),
        ("expenses-pending", "expenses wait to be approved or rejected; the detail names them"),
        ("insufficient-funds", "wallets cannot pay what their members owe; the detail names whose"),
    ];

    fn code(&self) -> &'static str {
        match self {
            Self::UnknownGroup => "unknown-group",
            Self::GroupClosed => "group-closed",
            Self::ExpensesPending(_) => "expenses-pending",
            Self::InsufficientFunds(_) => "insufficient-funds",
        }
    }
}

impl Command for LiquidateGroupWithWallets {
    const NAME: &'static str = "liquidate-group-with-wallets";
    type Decider = Group;
    type Rejection = LiquidationRejection;

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, group: Uuid, _: &GroupState) -> Reads {
        Reads::none().and_all::<Wallet>(group).and_all::<Expense>(group).and_all::<Booking>(group)
    }

    fn decide(&self, state: &GroupState, facts: &Facts) -> Verdict<Self> {
        let travellers = state.travellers()?;
        let group = self.group_id;
        let pending = facts.all::<Expense>(group).filter(|(_, expense)| expense.pending().is_some());
        let pending: Vec<Uuid> = pending.map(|(id, _)| id).collect();
        if !pending.is_empty() {
            return Err(LiquidationRejection::ExpensesPending(pending));
        }
        let wallets: BTreeMap<Uuid, i64> =
            facts.all::<Wallet>(group).map(|(user, wallet)| (user, wallet.balance())).collect();
        let debts = Debts::of(
            facts.all::<Expense>(group).map(|(_, expense)| expense),
            facts.all::<Booking>(group).map(|(_, booking)| booking),
        );
        let settlements = settle(&wallets, &debts);
        let poor: Vec<Uuid> = settlements.iter().filter(|it| it.wallet < 0).map(|it| it.user_id).collect();
        if !poor.is_empty() {
            return Err(LiquidationRejection::InsufficientFunds(poor));
        }
        Ok(Decision::record(GroupLiquidated {
            group_id: group,
            currency: travellers.currency,
            settlements,
            payments: debts.payments(),
        }))
    }
}

/// What becomes of everybody's wallet.
fn settle(wallets: &BTreeMap<Uuid, i64>, debts: &Debts) -> Vec<Settlement> {
    let everybody: BTreeSet<Uuid> = wallets.keys().copied().chain(debts.everybody()).collect();
    let settled = everybody.into_iter().map(|user_id| {
        let change = debts.owed_to(user_id);
        let wallet = wallets.get(&user_id).copied().unwrap_or(0) + change;
        Settlement { user_id, change, wallet }
    });
    settled.filter(|it| it.change != 0 || it.wallet != 0).collect()
}
