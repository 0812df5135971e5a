use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way to pay, each with its own manner in the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentMethod {
    /// Authorised at once.
    CardOk,
    /// Declined at once.
    CardDeclined,
    /// Never answered.
    CardSilent,
}

impl PaymentMethod {
    /// As it is written down.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CardOk => "card-ok",
            Self::CardDeclined => "card-declined",
            Self::CardSilent => "card-silent",
        }
    }

    /// Read back; none where another release knew more of them.
    pub fn named(name: &str) -> Option<Self> {
        [Self::CardOk, Self::CardDeclined, Self::CardSilent].into_iter().find(|method| method.name() == name)
    }
}
