//! Names of the numbers that the HTTP edge keeps.

/// Requests answered, by `method`, `route` (the pattern, never the path) and `status`.
pub(crate) const REQUESTS: &str = "http_requests_total";
/// Time from a request's head to its answer's head, by `route`.
pub(crate) const SECONDS: &str = "http_request_seconds";
/// Requests being worked on.
pub(crate) const IN_FLIGHT: &str = "http_requests_in_flight";
/// Problems answered, by `type`.
pub(crate) const PROBLEMS: &str = "http_problems_total";
/// Tokens looked at, by `outcome`: `cached`, `verified`, `refused`.
pub(crate) const TOKENS: &str = "http_tokens_total";
/// Fetches of the key set, by `outcome`: `fetched`, `failed`.
pub(crate) const KEY_FETCHES: &str = "http_key_fetches_total";
