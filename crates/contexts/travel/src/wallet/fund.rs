use kernel::{Command, Decision, Facts, Money, Reads, Verdict, Violations};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{Wallet, WalletFunded, WalletRejection, WalletState};
use crate::Group;
use crate::group::travellers;
use crate::limits::{AMOUNT_LARGEST, check_amount};

/// Puts money into a member's wallet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FundWallet {
    /// The group.
    pub group_id: Uuid,
    /// Whose wallet.
    pub user_id: Uuid,
    /// How much, above 0, in the group's currency.
    pub amount: Money,
}

impl Command for FundWallet {
    const NAME: &'static str = "fund-wallet";
    type Decider = Wallet;
    type Rejection = WalletRejection;

    fn validate(&self, violations: &mut Violations) {
        check_amount(violations, "amount", &self.amount);
    }

    fn stream_id(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn owner(&self) -> Option<Uuid> {
        Some(self.group_id)
    }

    fn reads(&self, _: Uuid, _: &WalletState) -> Reads {
        Reads::of::<Group>(self.group_id)
    }

    fn decide(&self, state: &WalletState, facts: &Facts) -> Verdict<Self> {
        let travellers = travellers(facts, self.group_id)?;
        if !travellers.members.contains(&self.user_id) {
            return Err(WalletRejection::NotAMember);
        }
        if self.amount.currency != travellers.currency {
            return Err(WalletRejection::CurrencyMismatch);
        }
        if state.balance() + self.amount.amount > AMOUNT_LARGEST {
            return Err(WalletRejection::WalletFull);
        }
        let (group_id, user_id, amount) = (self.group_id, self.user_id, self.amount);
        Ok(Decision::record(WalletFunded { group_id, user_id, amount }))
    }
}
