//! Names of the numbers that queries keep.

/// Queries that Redis should have answered and Postgres did, by `view`.
pub(crate) const FALLBACKS: &str = "query_redis_fallbacks_total";
/// Queries that waited for what `Twofold-After` named, by `view` and `outcome`: `reached`, `behind`.
pub(crate) const WAITS: &str = "query_waits_total";
/// Live streams that are open.
pub(crate) const LIVE_STREAMS: &str = "query_live_streams";
/// Searches of words that no product has, spelt anew.
pub(crate) const RESPELT: &str = "query_searches_respelt_total";
