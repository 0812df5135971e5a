//! Where things that were fetched once are kept.

use std::env;
use std::path::PathBuf;

use rustix::process::geteuid;

/// `TWOFOLD_CACHE`, else `/var/cache/twofold` for root (whose servers run as another account and have to reach
/// it) and `~/.cache/twofold` for others. `scripts/` know the same rule.
pub(crate) fn folder() -> PathBuf {
    if let Some(named) = env::var_os("TWOFOLD_CACHE").filter(|named| !named.is_empty()) {
        return named.into();
    }
    if geteuid().is_root() {
        return "/var/cache/twofold".into();
    }
    let base = env::var_os("XDG_CACHE_HOME").filter(|named| !named.is_empty()).map(PathBuf::from);
    base.or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(env::temp_dir)
        .join("twofold")
}
