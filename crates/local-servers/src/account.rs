//! As whom the servers run.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use rustix::process::geteuid;

use crate::LocalServerError;
use crate::error::Doing;

/// An ordinary account that servers run as when this process is root's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Account {
    /// `None` for an ordinary user, who runs servers as himself. Root's servers run as the account that the
    /// Postgres package made, else as nobody.
    pub(crate) fn for_servers() -> Result<Option<Self>, LocalServerError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd").doing("read", "/etc/passwd")?;
        let found = ["postgres", "nobody"].iter().find_map(|name| Self::find(&accounts, name));
        found.map(Some).ok_or_else(|| LocalServerError::Missing {
            what: "an ordinary account to run servers as (`postgres` or `nobody`)".to_owned(),
            install: "apt-get install postgresql".to_owned(),
        })
    }

    fn find(accounts: &str, name: &str) -> Option<Self> {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next()? != name {
                return None;
            }
            let user = fields.nth(1)?.parse().ok()?;
            let group = fields.next()?.parse().ok()?;
            Some(Self { name: name.to_owned(), user, group })
        })
    }

    /// Whether the account may walk to `path`, which exists: every folder above it has to let it through.
    pub(crate) fn reaches(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else { return false };
        path.ancestors().all(|folder| {
            folder.metadata().is_ok_and(|metadata| {
                let mode = metadata.permissions().mode();
                mode & 0o001 != 0
                    || (metadata.uid() == self.user && mode & 0o100 != 0)
                    || (metadata.gid() == self.group && mode & 0o010 != 0)
            })
        })
    }

    /// Gives a folder or file to the account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), LocalServerError> {
        chown(path, Some(self.user), Some(self.group)).doing("hand over", path)
    }
}

#[cfg(test)]
mod tests;
