//! Postgres: made with `initdb`, durable, on loopback.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::child::ready::Ready;
use crate::child::{Launch, as_account, run};
use crate::error::Doing;
use crate::{Home, LocalServerError, Secured};

const NAME: &str = "postgres";
const OLDEST: u32 = 15;
const PASSWORD: &str = "password";

/// One version's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Installed {
    major: u32,
    programs: PathBuf,
}

/// Prepares the data where there are none, and says how the server is started and what its URL is.
pub(crate) async fn prepare(
    home: &Home,
    port: u16,
    secured: Option<&Secured>,
) -> Result<(Launch, String), LocalServerError> {
    let folder = home.server_folder(NAME)?;
    let data = folder.join("data");
    let installed = choose(&installed_versions(), data_version(&data))?;
    if data_version(&data).is_none() {
        make_data(home, &folder, &installed).await?;
    }
    let path = folder.join(PASSWORD);
    let password = fs::read_to_string(&path).doing("read", &path)?;
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        // Debian's default folder for sockets belongs to its own clusters.
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
        "shared_buffers=256MB".to_owned(),
        "max_wal_size=2GB".to_owned(),
        // Whatever else changes: what was acknowledged is on disk.
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        "full_page_writes=on".to_owned(),
    ];
    if let Some(secured) = secured {
        settings.extend(secured.of_postgres(home)?);
    }
    let mut arguments = vec![OsString::from("-D"), data.into()];
    arguments.extend(settings.into_iter().flat_map(|setting| ["-c".into(), setting.into()]));
    let launch = Launch {
        name: NAME,
        program: installed.programs.join("postgres"),
        arguments,
        folder,
        account: home.as_account().cloned(),
        port,
        // A fast shutdown: connections are closed, what was committed stays.
        stop: Signal::INT,
        ready: Ready::Postgres(installed.programs.join("pg_isready")),
    };
    Ok((launch, format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")))
}

/// Made beside and moved into place, so that a kill half-way leaves nothing that looks finished. A password,
/// because a superuser can run programs: other users of this machine shall not be one by connecting.
async fn make_data(home: &Home, folder: &Path, installed: &Installed) -> Result<(), LocalServerError> {
    let half_made = folder.join("data.new");
    if half_made.exists() {
        fs::remove_dir_all(&half_made).doing("remove", &half_made)?;
    }
    let password: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
    let path = folder.join(PASSWORD);
    home.write(&path, &password)?;
    let mut command = as_account(home.as_account(), None, &installed.programs.join("initdb"));
    command.current_dir(folder).arg("-D").arg(&half_made).arg("--pwfile").arg(&path);
    command.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
    run("making the Postgres data folder (initdb)", command).await?;
    let data = folder.join("data");
    fs::rename(&half_made, &data).doing("move into place", &data)
}

fn data_version(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Debian and Ubuntu keep each version's programs in a folder of its own, most of them outside the path.
fn installed_versions() -> Vec<Installed> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.filter_map(|entry| {
        let major = entry.file_name().to_str()?.parse().ok()?;
        let programs = entry.path().join("bin");
        programs.join("postgres").exists().then_some(Installed { major, programs })
    });
    found.collect()
}

/// The version that wrote the data, else the newest.
fn choose(installed: &[Installed], data: Option<u32>) -> Result<Installed, LocalServerError> {
    if let Some(data) = data {
        return installed.iter().find(|one| one.major == data).cloned().ok_or_else(|| {
            LocalServerError::Data(format!(
                "the data were written by Postgres {data}, which is not installed: \
                 apt-get install postgresql-{data}, or start with --fresh to begin anew without them"
            ))
        });
    }
    let newest = installed.iter().filter(|one| one.major >= OLDEST).max_by_key(|one| one.major);
    newest.cloned().ok_or_else(|| LocalServerError::Missing {
        what: format!("Postgres {OLDEST} or later"),
        install: "apt-get install postgresql".to_owned(),
    })
}

#[cfg(test)]
mod tests;
