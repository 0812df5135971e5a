//! The `.twofold` folder: how the other commands find the system that `twofold up` runs.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::servers::BrokerChoice;
use anyhow::{Context, bail};
use http_api::auth::generate_secret;
use serde::{Deserialize, Serialize};
use service_runtime::config::{ExposeSecret, SecretString};

const FOLDER: &str = ".twofold";
const KEY: &str = "jwt.key";
const SYSTEM: &str = "system.json";

/// Where `twofold up` keeps its data.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HomeArgs {
    /// The folder of the local system: data, key, what runs where. Without it, the nearest `.twofold` from here
    /// upwards, else one in the current folder.
    #[arg(long = "home", env = "TWOFOLD_HOME", value_name = "FOLDER", global = true)]
    folder: Option<PathBuf>,
}

impl HomeArgs {
    /// The folder, which may not exist yet.
    pub(crate) fn folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let here = env::current_dir().context("cannot tell the current folder")?;
        let found = here.ancestors().map(|folder| folder.join(FOLDER)).find(|folder| folder.is_dir());
        Ok(found.unwrap_or_else(|| here.join(FOLDER)))
    }

    /// What `twofold up` last said about the system in the folder.
    pub(crate) fn system(&self) -> anyhow::Result<System> {
        let folder = self.folder()?;
        let path = folder.join(SYSTEM);
        match fs::read_to_string(&path) {
            Ok(text) => {
                serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "no system is known in {}: start one with `twofold up`, or name its servers by flags",
                folder.display()
            ),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// The key that tokens of the system in the folder are signed with.
    pub(crate) fn key(&self) -> anyhow::Result<SecretString> {
        let folder = self.folder()?;
        read_key(&folder)?.with_context(|| {
            format!(
                "no key in {}: start a system with `twofold up`, or set TWOFOLD_JWT_SECRET",
                folder.display()
            )
        })
    }
}

/// The key of the folder, made where there is none yet.
pub(crate) fn key_for(folder: &Path) -> anyhow::Result<SecretString> {
    if let Some(key) = read_key(folder)? {
        return Ok(key);
    }
    let key = generate_secret();
    write_private(&folder.join(KEY), key.expose_secret())?;
    Ok(key)
}

fn read_key(folder: &Path) -> anyhow::Result<Option<SecretString>> {
    let path = folder.join(KEY);
    match fs::read_to_string(&path) {
        Ok(key) => Ok(Some(key.trim_end().to_owned().into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// What runs where. Holds passwords: only its owner reads the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct System {
    /// The database of the log.
    pub(crate) log_url: String,
    /// The database of the views.
    pub(crate) views_url: String,
    /// The database of the built-in registry.
    pub(crate) registry_database_url: String,
    /// The database of what processes are in the middle of.
    #[serde(default)]
    pub(crate) processes_url: String,
    /// The Redis of the views.
    pub(crate) redis_url: String,
    /// What keys in it begin with.
    pub(crate) redis_prefix: String,
    /// Where operators ask the projectors.
    #[serde(default)]
    pub(crate) projectors: Vec<String>,
    /// Where operators ask for processes.
    #[serde(default)]
    pub(crate) process_manager: Option<String>,
    /// The broker.
    pub(crate) kafka: String,
    /// What its topics begin with.
    pub(crate) topic_prefix: String,
    /// Which program is the broker, where it is a local one: data of one mean nothing to the other.
    pub(crate) broker: Option<BrokerChoice>,
}

impl System {
    /// What the folder says of a system that ran in it before.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(folder.join(SYSTEM)).ok()?).ok()
    }

    /// Kept after the system has stopped: its data are still there.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        write_private(&folder.join(SYSTEM), &serde_json::to_string_pretty(self)?)
    }

    /// Forgets it, when its data are erased.
    pub(crate) fn forget(folder: &Path) {
        let _ = fs::remove_file(folder.join(SYSTEM));
    }
}

/// Written beside and moved, so that a reader finds the old or the new and never a half.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let half = path.with_extension("new");
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&half)?.write_all(text.as_bytes())?;
        fs::rename(&half, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
