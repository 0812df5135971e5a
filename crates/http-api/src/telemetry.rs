//! Names of the numbers that the HTTP edge keeps.

/// Counter, labels `method`, `route`, `status`: requests answered. A route is the pattern, never the path.
pub(crate) const REQUESTS: &str = "http_requests_total";
/// Histogram, label `route`: from a request's head to its answer's head.
pub(crate) const SECONDS: &str = "http_request_seconds";
/// Gauge: requests being worked on.
pub(crate) const IN_FLIGHT: &str = "http_requests_in_flight";
/// Counter, label `type`: problems answered, by the last part of their type.
pub(crate) const PROBLEMS: &str = "http_problems_total";
/// Counter, label `outcome` (`cached`, `verified`, `refused`): tokens looked at.
pub(crate) const TOKENS: &str = "http_tokens_total";
/// Counter, label `of` (`subject`, `tenant`): requests refused because too many came.
pub(crate) const RATE_LIMITED: &str = "http_rate_limited_total";
/// Counter, label `outcome` (`fetched`, `failed`): fetches of the key set.
pub(crate) const KEY_FETCHES: &str = "http_key_fetches_total";
