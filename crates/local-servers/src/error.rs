//! What can be wrong with a local server, told so that a person can act on it.

use std::io;
use std::path::PathBuf;

/// Why a local server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LocalServerError {
    /// A program is not on this machine.
    #[error("{what} was not found: {install}")]
    Missing {
        /// The program, with the version that is needed.
        what: String,
        /// The command that installs it.
        install: String,
    },
    /// Another program listens there.
    #[error("port {port} for {server} is taken by another program; `ss -ltnp 'sport = :{port}'` tells which")]
    PortTaken {
        /// For which server.
        server: &'static str,
        /// The port.
        port: u16,
    },
    /// Another process uses the folder.
    #[error("{} is in use by process {holder}: stop that one first", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Its process id, where it is known.
        holder: String,
    },
    /// The server ended while it was starting.
    #[error("{server} ended while starting ({status}); its log ({}) ends with:\n{tail}", log.display())]
    EndedEarly {
        /// Which server.
        server: &'static str,
        /// How it ended.
        status: String,
        /// Where its log is.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The server runs but does not answer.
    #[error("{server} did not answer within {seconds} s; its log ({}) ends with:\n{tail}", log.display())]
    NotReady {
        /// Which server.
        server: &'static str,
        /// How long it had.
        seconds: u64,
        /// Where its log is.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The data on disk were written by something that this machine's programs cannot read.
    #[error("{0}")]
    Data(String),
    /// A helper program failed.
    #[error("{what} failed ({status}):\n{tail}")]
    Helper {
        /// What it was to do.
        what: String,
        /// How it ended.
        status: String,
        /// What it said last.
        tail: String,
    },
    /// The system refused something.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Says what was tried when the system refuses.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, LocalServerError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, LocalServerError> {
        self.map_err(|source| LocalServerError::Io { doing, path: path.into(), source })
    }
}
