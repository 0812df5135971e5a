//! How long a query may wait.

use std::time::Duration;

use axum::http::HeaderMap;

use super::{PREFER, from_headers};
use crate::Problem;

/// `Prefer: wait=N` (RFC 7240). Preferences that are not understood are ignored, as the RFC says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefer {
    /// What was asked for, at most [`Prefer::LONGEST_WAIT`]; `None` when nothing was.
    pub wait: Option<Duration>,
}

impl Prefer {
    /// How long a query waits that does not say.
    pub const DEFAULT_WAIT: Duration = Duration::from_secs(2);
    /// The longest wait; asking for more is asking for this.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

    /// Reads the header; never a problem.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let wait = headers
            .get_all(PREFER)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(wait_seconds);
        let wait = wait.map(|seconds| Duration::from_secs(seconds).min(Self::LONGEST_WAIT));
        Ok(Self { wait })
    }

    /// How long to wait.
    pub fn wait_or_default(self) -> Duration {
        self.wait.unwrap_or(Self::DEFAULT_WAIT)
    }
}

/// The seconds in ` wait = "10" ; …`.
fn wait_seconds(preference: &str) -> Option<u64> {
    let preference = preference.split(';').next()?;
    let (name, seconds) = preference.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("wait") {
        return None;
    }
    seconds.trim().trim_matches('"').parse().ok()
}

from_headers!(Prefer);
