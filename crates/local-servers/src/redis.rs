//! Redis: append-only file, nothing evicted, on loopback.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::child::Launch;
use crate::child::ready::Ready;
use crate::{Home, LocalServerError, Secured};

const NAME: &str = "redis";

/// Says how the server is started and what its URL is.
pub(crate) fn prepare(
    home: &Home,
    port: u16,
    secured: Option<&Secured>,
) -> Result<(Launch, String), LocalServerError> {
    let program = ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/bin/valkey-server"]
        .iter()
        .map(Path::new)
        .find(|program| program.exists())
        .ok_or_else(|| LocalServerError::Missing {
            what: "Redis".to_owned(),
            install: "apt-get install redis-server".to_owned(),
        })?;
    let folder = home.server_folder(NAME)?;
    let port_text = port.to_string();
    // Rows and checkpoints of a view come back together from the append-only file or not at all: a script's
    // writes are one entry. A second's loss at a power cut is made good by the projector, which goes on from
    // the checkpoint that it finds.
    let settings: [&str; 22] = [
        "--bind",
        "127.0.0.1",
        "--port",
        &port_text,
        "--daemonize",
        "no",
        "--supervised",
        "no",
        "--logfile",
        "",
        "--maxmemory-policy",
        "noeviction",
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--save",
        "",
        "--dir",
        ".",
        "--loglevel",
        "notice",
    ];
    let mut arguments: Vec<OsString> = settings.iter().map(Into::into).collect();
    if let Some(secured) = secured {
        arguments.extend(secured.of_redis(home)?.into_iter().map(OsString::from));
    }
    let launch = Launch {
        name: NAME,
        program: PathBuf::from(program),
        arguments,
        folder,
        account: home.as_account().cloned(),
        port,
        stop: Signal::TERM,
        ready: Ready::Redis,
    };
    Ok((launch, format!("redis://127.0.0.1:{port}")))
}
