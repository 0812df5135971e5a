//! A day of the calendar.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

/// A day in UTC: `2026-07-01` in JSON and in text, days since 1970-01-01 in formats that are not for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Day(i32);

/// The text is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a day like 2026-01-31")]
pub struct InvalidDay;

const MICROS_PER_DAY: i64 = 86_400_000_000;

impl Day {
    /// This many days after 1970-01-01.
    pub const fn from_number(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day that a moment lies in, in UTC.
    pub fn of(moment: Timestamp) -> Self {
        Self(i32::try_from(moment.micros().div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX))
    }

    /// This many days later.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// How many days `earlier` lies before it; negative where it does not.
    pub fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    fn date(self) -> Option<jiff::civil::Date> {
        let moment = jiff::Timestamp::from_second(i64::from(self.0) * 86_400).ok()?;
        Some(moment.to_zoned(jiff::tz::TimeZone::UTC).date())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => date.fmt(out),
            None => write!(out, "{}d", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    /// Takes a whole moment too, and of it the day in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > "2026-01-31".len() {
            return text.parse().map(Self::of).map_err(|_| InvalidDay);
        }
        let date: jiff::civil::Date = text.parse().map_err(|_| InvalidDay)?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| InvalidDay)?;
        Ok(Self::of(Timestamp::from_micros(midnight.timestamp().as_microsecond())))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i32::deserialize(deserializer).map(Self);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "a day in UTC; of a moment that is sent for one, the day that it lies in",
            "examples": ["2026-07-01"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_keeps_its_text_and_its_number() {
        let day: Day = "2026-07-01".parse().unwrap();
        assert_eq!(day.to_string(), "2026-07-01");
        assert_eq!("1970-01-01".parse(), Ok(Day::from_number(0)));
        assert_eq!((day.plus(31).to_string().as_str(), day.plus(31).since(day)), ("2026-08-01", 31));
        for bad in ["", "2026-7-1", "2026-02-30", "yesterday"] {
            assert_eq!(bad.parse::<Day>(), Err(InvalidDay), "{bad}");
        }
    }

    #[test]
    fn a_moment_lies_in_its_day_in_utc() {
        assert_eq!("2026-07-01T23:30:00-02:00".parse::<Day>().unwrap().to_string(), "2026-07-02");
        assert_eq!(Day::of(Timestamp::from_micros(-1)), Day::from_number(-1));
    }
}
