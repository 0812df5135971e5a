//! One server as a child process: start, readiness, stop, and what a killed parent left behind.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::account::Account;
use crate::error::{Doing, LocalServerError};
use crate::keeper;
use crate::port::{Port, claim_port};

mod leftover;
pub(crate) mod ready;

pub(crate) use leftover::stop_leftover;
use ready::Ready;

/// How long a server may take from start to its first answer; a Postgres that recovers may need most of it.
const READY_DEADLINE: Duration = Duration::from_secs(90);
/// How long a server may take to stop before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
const PROBE_PAUSE: Duration = Duration::from_millis(25);
/// A log longer than this is put aside at the next start, so that there are never more than two of this size.
const LOG_LIMIT: u64 = 16 << 20;

/// How a server is started; kept, so that it can be started again.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Its working directory, and where its log and process file are.
    pub(crate) folder: PathBuf,
    pub(crate) account: Option<Account>,
    pub(crate) port: u16,
    /// Asks it to stop gracefully; also sent by the system when this process dies.
    pub(crate) stop: Signal,
    pub(crate) ready: Ready,
}

/// A server that runs as a child of this process.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    child: Child,
}

impl Server {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(launch: Launch) -> Result<Self, LocalServerError> {
        claim_port(Port::Fixed(launch.port), launch.name)?;
        let log = launch.open_log()?;
        let mut command = launch.command();
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().doing("open", &launch.folder)?).stderr(log);
        let child = keeper::spawn(command).await.doing("start", &launch.program)?;
        let mut server = Self { launch, child };
        if let Some(id) = server.child.id() {
            leftover::remember(&server.launch.folder, id, server.launch.stop)?;
        }
        server.wait_until_ready().await?;
        tracing::debug!(server = server.launch.name, port = server.launch.port, "local server ready");
        Ok(server)
    }

    /// What it is: `postgres`, `redis`, `kafka`.
    pub fn name(&self) -> &'static str {
        self.launch.name
    }

    /// Its process id while it runs; for tests that freeze or kill it.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Where it writes what it has to say.
    pub fn log(&self) -> PathBuf {
        self.launch.log()
    }

    /// Waits until it has ended, which it should not by itself. Can be cancelled.
    pub async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => describe(status),
            Err(error) => error.to_string(),
        }
    }

    /// Starts it again, on its port and its data, after it has ended.
    pub async fn start_again(&mut self) -> Result<(), LocalServerError> {
        let _ = timeout(STOP_DEADLINE, self.child.wait()).await;
        *self = Self::start(self.launch.clone()).await?;
        Ok(())
    }

    /// Asks it to stop, waits, and kills it when it does not.
    pub async fn stop(mut self) -> Result<(), LocalServerError> {
        self.ask_to_stop();
        if timeout(STOP_DEADLINE, self.child.wait()).await.is_err() {
            tracing::warn!(server = self.launch.name, "local server did not stop in time and is killed");
            self.child.kill().await.doing("kill", &self.launch.program)?;
        }
        leftover::forget(&self.launch.folder);
        Ok(())
    }

    fn ask_to_stop(&self) {
        // No id: it has ended and was waited for, so the id may be another's by now.
        if let Some(id) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process(id, self.launch.stop);
        }
    }

    async fn wait_until_ready(&mut self) -> Result<(), LocalServerError> {
        let deadline = Instant::now() + READY_DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().doing("wait for", &self.launch.program)? {
                return Err(self.launch.ended_early(status));
            }
            if self.launch.ready.answers(self.launch.port).await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(LocalServerError::NotReady {
                    server: self.launch.name,
                    seconds: READY_DEADLINE.as_secs(),
                    log: self.launch.log(),
                    tail: tail(&self.launch.log()),
                });
            }
            sleep(PROBE_PAUSE).await;
        }
    }
}

impl Drop for Server {
    /// A server that was not stopped is at least asked to, so that a failed test leaves nothing behind.
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

impl Launch {
    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn open_log(&self) -> Result<File, LocalServerError> {
        let path = self.log();
        if path.metadata().is_ok_and(|metadata| metadata.len() > LOG_LIMIT) {
            let aside = self.folder.join("server.log.1");
            fs::rename(&path, &aside).doing("put aside", &path)?;
        }
        OpenOptions::new().create(true).append(true).open(&path).doing("open", &path)
    }

    /// `setpriv` becomes the server: it sets the signal that the system sends when this process dies, and the
    /// account. The environment is not handed on: it may hold secrets, and settings that change a server.
    fn command(&self) -> Command {
        let mut command = as_account(self.account.as_ref(), Some(self.stop), &self.program);
        command.args(&self.arguments).current_dir(&self.folder).env("HOME", &self.folder).process_group(0);
        command
    }

    fn ended_early(&self, status: ExitStatus) -> LocalServerError {
        // Somebody was quicker between our look at the port and the server's.
        if let Err(taken) = claim_port(Port::Fixed(self.port), self.name) {
            return taken;
        }
        LocalServerError::EndedEarly {
            server: self.name,
            status: describe(status),
            log: self.log(),
            tail: tail(&self.log()),
        }
    }
}

/// A command that runs as the account and, where a signal is given, is sent it when this process dies.
pub(crate) fn as_account(account: Option<&Account>, on_death: Option<Signal>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if let Some(signal) = on_death {
        command.arg("--pdeathsig").arg(leftover::name_of(signal));
    }
    if let Some(Account { user, group, .. }) = account {
        command.args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C.UTF-8");
    command
}

/// Runs a helper program to its end and gives what it printed, or an error that says what it said.
pub(crate) async fn run(what: &str, mut command: Command) -> Result<String, LocalServerError> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let program = command.as_std().get_program().to_owned();
    let output = command.output().await.doing("run", &program)?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(said(&output.stdout));
    }
    let mut all = said(&output.stdout);
    all.push_str(&said(&output.stderr));
    let status = describe(output.status);
    Err(LocalServerError::Helper { what: what.to_owned(), status, tail: last_lines(&all) })
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

fn tail(log: &Path) -> String {
    let mut text = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(8 << 10)))?;
        file.read_to_end(&mut text)
    });
    match read {
        Ok(_) => last_lines(&String::from_utf8_lossy(&text)),
        Err(error) => format!("(not readable: {error})"),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[cfg(test)]
mod tests;
