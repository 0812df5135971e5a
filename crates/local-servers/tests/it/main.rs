//! Local servers, for real: started, killed, started again.
//!
//! These start servers of their own on free ports: what is tested here is the starting.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod redis;
mod together;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

/// One that the account can reach that servers run as when root runs the tests.
fn reachable_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}
