//! Which Java runs the local Kafka.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Home, LocalServerError};

const OLDEST: u32 = 17;

/// A `java` of version 17 or later that servers can be run with: `JAVA_HOME`'s, the path's, or one that Debian's
/// packages put in place.
pub(crate) fn find(home: &Home) -> Result<PathBuf, LocalServerError> {
    candidates()
        .into_iter()
        .filter(|java| home.reaches(java))
        .find(|java| version(java).is_some_and(|version| version >= OLDEST))
        .ok_or_else(|| LocalServerError::Missing {
            what: format!("Java {OLDEST} or later, which runs the local Kafka,"),
            install: "apt-get install default-jre-headless (or openjdk-17-jre-headless)".to_owned(),
        })
}

fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    found.extend(env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java")));
    found
        .extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()).map(|folder| folder.join("java")));
    let installed = fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    found.extend(installed.map(|entry| entry.path().join("bin/java")));
    // Links are followed, so that the release file is found and another account needs only the real path.
    found.into_iter().filter_map(|java| java.canonicalize().ok()).collect()
}

/// Read from the `release` file that every JDK and JRE has: starting Java only to ask costs a tenth of a second.
fn version(java: &Path) -> Option<u32> {
    let release = fs::read_to_string(java.parent()?.parent()?.join("release")).ok()?;
    parse(&release)
}

fn parse(release: &str) -> Option<u32> {
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
    let mut numbers = version.trim_matches('"').split(['.', '-', '+']);
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests;
