//! Money: integer minor units with a currency.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in minor units of a currency: `{"amount": 1999, "currency": "EUR"}` is 19.99 euro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: cents, or whole yen.
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// This many minor units.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The sum, where both are of one currency and it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self { amount: self.amount.checked_add(other.amount)?, currency: self.currency })
    }

    /// The difference, where both are of one currency and it fits.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self { amount: other.amount.checked_neg()?, currency: other.currency })
    }
}

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text is not a currency code of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a currency code of ISO 4217, like EUR")]
pub struct UnknownCurrency;

impl Currency {
    /// The three letters.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// How many decimals the minor unit has: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn decimals(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        iso_currency::Currency::from_code(code).map(Self).ok_or(UnknownCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "currency",
            "pattern": "^[A-Z]{3}$",
            "description": "a currency code of ISO 4217",
            "examples": ["EUR"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_currencies_of_the_standard_are_known() {
        assert_eq!("KWD".parse::<Currency>().unwrap().decimals(), 3);
        assert_eq!("JPY".parse::<Currency>().unwrap().decimals(), 0);
        for bad in ["", "eur", "EURO", "XYZ"] {
            assert_eq!(bad.parse::<Currency>(), Err(UnknownCurrency), "{bad}");
        }
    }

    #[test]
    fn sums_neither_mix_currencies_nor_wrap() {
        let euro = |amount| Money::new(amount, "EUR".parse().unwrap());
        assert_eq!(euro(1).checked_add(euro(2)), Some(euro(3)));
        assert_eq!(euro(1).checked_sub(euro(2)), Some(euro(-1)));
        assert_eq!(euro(i64::MAX).checked_add(euro(1)), None);
        assert_eq!(euro(1).checked_add(Money::new(1, "USD".parse().unwrap())), None);
    }
}
