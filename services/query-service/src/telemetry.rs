//! The names of the numbers that queries keep; their latency is in `http_request_seconds`, by route.

/// Counter, label `view`: queries that Redis should have answered and Postgres did.
pub(crate) const FALLBACKS: &str = "twofold_query_redis_fallbacks_total";
/// Counter, labels `view`, `outcome` (`reached`, `behind`): queries that waited for what `Twofold-After` named.
pub(crate) const WAITS: &str = "twofold_query_waits_total";
/// Histogram, label `view`: how long they waited.
pub(crate) const WAIT_SECONDS: &str = "twofold_query_wait_seconds";
/// Gauge: live streams that are open.
pub(crate) const LIVE_STREAMS: &str = "twofold_query_live_streams";
/// Counter: searches of words that no product has, spelt anew.
pub(crate) const RESPELT: &str = "twofold_query_searches_respelt_total";
