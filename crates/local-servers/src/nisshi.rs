//! The fallback where Java cannot be had: `nisshi`, a broker in one binary that keeps its log in Postgres.

use std::env;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::child::Launch;
use crate::child::ready::Ready;
use crate::{Home, LocalServerError, cache};

const NAME: &str = "nisshi";
const VERSION: &str = "0.8.1";

/// Says how the broker is started and where it is reached. `database` is an empty database, or its own of before.
pub(crate) fn prepare(home: &Home, port: u16, database: &str) -> Result<(Launch, String), LocalServerError> {
    let program = find(home)?;
    let folder = home.server_folder(NAME)?;
    let listener = format!("tcp://127.0.0.1:{port}");
    let arguments = [
        "broker",
        "--listener-url",
        &listener,
        "--advertised-listener-url",
        &listener,
        "--storage-engine",
        database,
        "--group-initial-rebalance-delay",
        "0s",
    ];
    let launch = Launch {
        name: NAME,
        program,
        arguments: arguments.iter().map(Into::into).collect(),
        folder,
        account: home.as_account().cloned(),
        port,
        stop: Signal::TERM,
        ready: Ready::Kafka,
    };
    Ok((launch, format!("127.0.0.1:{port}")))
}

pub(crate) fn is_installed(home: &Home) -> bool {
    find(home).is_ok()
}

fn find(home: &Home) -> Result<PathBuf, LocalServerError> {
    let root = cache::folder().join(format!("nisshi-{VERSION}"));
    let mut places = vec![root.join("bin/nisshi")];
    places.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()).map(|path| path.join("nisshi")));
    let usable = |program: &PathBuf| program.is_file() && home.reaches(program);
    places.into_iter().find(usable).ok_or_else(|| LocalServerError::Missing {
        what: format!("nisshi {VERSION}, the broker that needs no Java,"),
        install: format!(
            "cargo install nisshi --version ={VERSION} --locked --ignore-rust-version --root {} \
             (10 to 15 minutes on two cores)",
            root.display()
        ),
    })
}
