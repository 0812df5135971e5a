//! The folder that servers live in.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::{env, process};

use tempfile::TempDir;

use crate::account::Account;
use crate::child;
use crate::error::{Doing, LocalServerError};

const DATA: &str = "servers";
const LOCK: &str = "lock";
const THROW_AWAY: &str = "twofold-servers-";
/// Where data go that another account could not reach in the folder itself.
const ELSEWHERE: &str = "/var/lib/twofold";

/// A folder of servers, held by one process at a time.
///
/// [`Home::open`] keeps its data in `<folder>/servers`. Where root starts the servers and the account that they
/// run as cannot reach that place (a checkout under `/root`, say), the data are in
/// `/var/lib/twofold/<name of the checkout>-<hash of its path>` and `<folder>/servers` is a link to there.
#[derive(Debug)]
pub struct Home {
    data: PathBuf,
    account: Option<Account>,
    /// Keeps others out until this process ends, however it ends.
    _lock: File,
    /// Last, so that the folder goes after the lock.
    throw_away: Option<TempDir>,
}

impl Home {
    /// Opens a folder whose data stay, and stops what a killed earlier process left running there.
    pub async fn open(folder: &Path) -> Result<Self, LocalServerError> {
        fs::create_dir_all(folder).doing("make", folder)?;
        let folder = folder.canonicalize().doing("open", folder)?;
        let lock = hold(&folder)?;
        let account = Account::for_servers()?;
        let data = data_folder(&folder, account.as_ref(), Path::new(ELSEWHERE))?;
        let home = Self { data, account, _lock: lock, throw_away: None };
        home.stop_leftovers().await?;
        Ok(home)
    }

    /// A new folder that goes with this value, data and all. Removes those of killed earlier processes.
    pub async fn throw_away() -> Result<Self, LocalServerError> {
        let account = Account::for_servers()?;
        let mut parent = env::temp_dir();
        if account.as_ref().is_some_and(|account| !account.reaches(&parent)) {
            parent = "/var/tmp".into();
        }
        remove_abandoned(&parent).await;
        let prefix = format!("{THROW_AWAY}{}-", process::id());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .doing("make", &parent)?;
        let lock = hold(folder.path())?;
        if let Some(account) = &account {
            account.own(folder.path())?;
        }
        Ok(Self { data: folder.path().to_owned(), account, _lock: lock, throw_away: Some(folder) })
    }

    /// Where the data are.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The account that servers run as, where it is not the caller's own.
    pub fn account(&self) -> Option<&str> {
        self.account.as_ref().map(|account| account.name.as_str())
    }

    /// Removes every server's data. Nothing runs there: the folder is held, and leftovers were stopped.
    pub fn erase(&self) -> Result<(), LocalServerError> {
        for entry in entries(&self.data)? {
            if entry.is_dir() {
                fs::remove_dir_all(&entry).doing("remove", &entry)?;
            }
        }
        Ok(())
    }

    /// Whether servers can use what is there.
    pub(crate) fn reaches(&self, path: &Path) -> bool {
        self.account.as_ref().is_none_or(|account| account.reaches(path))
    }

    pub(crate) fn as_account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The folder of one server, made where it is missing, owned by whom the server runs as.
    pub(crate) fn server_folder(&self, name: &str) -> Result<PathBuf, LocalServerError> {
        let folder = self.data.join(name);
        if !folder.exists() {
            DirBuilder::new().mode(0o700).create(&folder).doing("make", &folder)?;
        }
        if let Some(account) = &self.account {
            account.own(&folder)?;
        }
        Ok(folder)
    }

    /// Writes a file that only the server and the caller can read.
    pub(crate) fn write(&self, path: &Path, content: &str) -> Result<(), LocalServerError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(path).doing("write", path)?;
        file.write_all(content.as_bytes()).doing("write", path)?;
        match &self.account {
            Some(account) => account.own(path),
            None => Ok(()),
        }
    }

    async fn stop_leftovers(&self) -> Result<(), LocalServerError> {
        for entry in entries(&self.data)? {
            child::stop_leftover(&entry).await;
        }
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(folder) = self.throw_away.take()
            && let Err(error) = folder.close()
        {
            tracing::warn!(%error, "cannot remove a throw-away folder");
        }
    }
}

/// Takes the folder's lock, which the system gives back when this process ends.
fn hold(folder: &Path) -> Result<File, LocalServerError> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(&path).doing("open", &path)?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        return Err(LocalServerError::InUse { folder: folder.to_owned(), holder: holder.trim().to_owned() });
    }
    file.set_len(0).and_then(|()| file.rewind()).doing("write", &path)?;
    file.write_all(process::id().to_string().as_bytes()).doing("write", &path)?;
    Ok(file)
}

fn data_folder(
    folder: &Path,
    account: Option<&Account>,
    elsewhere: &Path,
) -> Result<PathBuf, LocalServerError> {
    let data = folder.join(DATA);
    if let (Err(_), Some(account)) = (data.symlink_metadata(), account)
        && !account.reaches(folder)
    {
        fs::create_dir_all(elsewhere).doing("make", elsewhere)?;
        fs::set_permissions(elsewhere, Permissions::from_mode(0o755)).doing("open up", elsewhere)?;
        symlink(elsewhere.join(name_of(folder)), &data).doing("link", &data)?;
    }
    // A link whose target was removed by hand is followed all the same: the target is made anew.
    let data = fs::read_link(&data).unwrap_or(data);
    fs::create_dir_all(&data).doing("make", &data)?;
    if account.is_some() {
        fs::set_permissions(&data, Permissions::from_mode(0o711)).doing("open up", &data)?;
    }
    Ok(data)
}

/// `<checkout>-<hash>`: readable, and different for checkouts of the same name.
fn name_of(folder: &Path) -> String {
    let checkout = folder.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or("checkout");
    let hash = folder.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{checkout}-{:08x}", hash >> 32)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, LocalServerError> {
    let listing = fs::read_dir(folder).doing("list", folder)?;
    Ok(listing.flatten().map(|entry| entry.path()).collect())
}

/// Removes throw-away folders whose process is gone. Best effort: what cannot be removed is left.
async fn remove_abandoned(parent: &Path) {
    for folder in entries(parent).unwrap_or_default() {
        // Whoever made it and still runs may be about to lock it.
        if maker_of(&folder).is_none_or(|maker| Path::new("/proc").join(maker).exists()) {
            continue;
        }
        let Ok(_lock) = hold(&folder) else { continue };
        for server in entries(&folder).unwrap_or_default() {
            child::stop_leftover(&server).await;
        }
        let _ = fs::remove_dir_all(&folder);
    }
}

/// The process that made a throw-away folder, which its name tells.
fn maker_of(folder: &Path) -> Option<&str> {
    let (maker, _) = folder.file_name()?.to_str()?.strip_prefix(THROW_AWAY)?.split_once('-')?;
    maker.bytes().all(|byte| byte.is_ascii_digit()).then_some(maker)
}

#[cfg(test)]
mod tests;
