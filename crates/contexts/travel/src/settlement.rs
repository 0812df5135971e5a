//! Who owes whom: everything that was paid for others, added up and settled.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::group::Payment;
use crate::{BookingState, ExpenseState, Part};

/// What the members of a group have paid and what fell to them, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Debts {
    /// Above 0: the others owe it to them. They sum to 0.
    net: BTreeMap<Uuid, i64>,
}

impl Debts {
    /// Of all decided expenses and all bookings of a group.
    pub(crate) fn of<'a>(
        expenses: impl Iterator<Item = &'a ExpenseState>,
        bookings: impl Iterator<Item = &'a BookingState>,
    ) -> Self {
        let mut debts = Self::default();
        for expense in expenses {
            if let ExpenseState::Approved(submission) = expense {
                debts.paid(submission.paid_by, &submission.parts);
            }
        }
        for booking in bookings {
            if let BookingState::Booked(stay) | BookingState::Cancelled(stay) = booking
                && let Some(paid_by) = stay.paid_by
            {
                debts.paid(paid_by, &stay.parts());
            }
        }
        debts
    }

    fn paid(&mut self, by: Uuid, parts: &[Part]) {
        for part in parts {
            *self.net.entry(by).or_default() += part.amount;
            *self.net.entry(part.user_id).or_default() -= part.amount;
        }
    }

    /// What the others owe to a member; below 0, what the member owes to them.
    pub(crate) fn owed_to(&self, user: Uuid) -> i64 {
        self.net.get(&user).copied().unwrap_or(0)
    }

    /// Everybody who paid for others or was paid for.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = Uuid> {
        self.net.keys().copied()
    }

    /// Payments that settle all of it, fewer than there are members: whoever owes most pays whom most is owed,
    /// again and again; of equal ones, those with the smaller id.
    pub(crate) fn payments(&self) -> Vec<Payment> {
        let mut open: Vec<(Uuid, i64)> = self.net.iter().map(|(user, net)| (*user, *net)).collect();
        let mut payments = Vec::new();
        loop {
            let debtor = open.iter().enumerate().min_by_key(|(_, (user, net))| (*net, *user));
            let creditor =
                open.iter().enumerate().max_by_key(|(_, (user, net))| (*net, std::cmp::Reverse(*user)));
            let (Some((from, (debtor, owes))), Some((to, (creditor, owed)))) = (debtor, creditor) else {
                return payments;
            };
            let amount = owes.saturating_neg().min(*owed);
            if amount <= 0 {
                return payments;
            }
            payments.push(Payment { from: *debtor, to: *creditor, amount });
            open[from].1 += amount;
            open[to].1 -= amount;
        }
    }
}

#[cfg(test)]
mod tests;
