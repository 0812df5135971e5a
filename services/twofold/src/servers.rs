//! `twofold servers run`: throw-away servers for one command, tests for example.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context;
use local_servers::{Broker, Home, Port, Servers, Wanted};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Local servers by themselves.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ServersCommand {
    /// Start throw-away servers on free ports, run a command with their addresses in TWOFOLD_TEST_POSTGRES,
    /// TWOFOLD_TEST_REDIS and TWOFOLD_TEST_KAFKA, stop them, and end as the command did.
    Run {
        /// Which program speaks the Kafka protocol.
        #[arg(long, default_value = "kafka")]
        broker: BrokerChoice,
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

/// Which program speaks the Kafka protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BrokerChoice {
    /// Apache Kafka, on Java 17 or later.
    Kafka,
    /// nisshi, one binary that keeps its log in Postgres.
    Nisshi,
}

impl fmt::Display for BrokerChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Kafka => "kafka",
            Self::Nisshi => "nisshi",
        })
    }
}

impl From<BrokerChoice> for Broker {
    fn from(choice: BrokerChoice) -> Self {
        match choice {
            BrokerChoice::Kafka => Self::Kafka,
            BrokerChoice::Nisshi => Self::Nisshi,
        }
    }
}

impl From<Broker> for BrokerChoice {
    fn from(broker: Broker) -> Self {
        match broker {
            Broker::Kafka => Self::Kafka,
            Broker::Nisshi => Self::Nisshi,
        }
    }
}

/// Does it.
pub(crate) async fn run(command: ServersCommand) -> anyhow::Result<ExitCode> {
    let ServersCommand::Run { broker, command } = command;
    // From here on signals end the command, not this process, which has servers to stop.
    let mut signals = Signals::listen()?;
    let home = Home::throw_away().await?;
    let wanted = Wanted {
        postgres: Some(Port::Free),
        redis: Some(Port::Free),
        broker: Some((broker.into(), Port::Free)),
    };
    let mut servers = tokio::select! {
        started = Servers::start(&home, wanted) => started?,
        number = signals.next() => return Ok(by_signal(number)),
    };
    let ended = run_beside(&command, broker, &mut servers, &mut signals).await;
    servers.stop().await;
    ended.map(exit_code)
}

async fn run_beside(
    command: &[OsString],
    broker: BrokerChoice,
    servers: &mut Servers,
    signals: &mut Signals,
) -> anyhow::Result<ExitStatus> {
    let Some((program, arguments)) = command.split_first() else { anyhow::bail!("no command") };
    let mut child = Command::new(program);
    child.args(arguments).env("TWOFOLD_TEST_BROKER", broker.to_string()).kill_on_drop(true);
    let addresses = [&servers.postgres, &servers.redis, &servers.kafka];
    for (name, address) in ["POSTGRES", "REDIS", "KAFKA"].into_iter().zip(addresses) {
        child.env(format!("TWOFOLD_TEST_{name}"), address.as_deref().unwrap_or_default());
    }
    let mut child = child.spawn().with_context(|| format!("cannot run {}", program.display()))?;
    loop {
        tokio::select! {
            ended = child.wait() => return Ok(ended?),
            number = signals.next() => forward(&child, number),
            (which, how) = servers.one_ended() => {
                let name = servers.running()[which].name();
                let log = servers.running()[which].log();
                let _ = child.kill().await;
                anyhow::bail!("{name} ended while the command ran ({how}); its log is {}", log.display());
            }
        }
    }
}

/// A terminal's Ctrl-C reaches the command by itself; what is sent to this process alone does not.
fn forward(child: &Child, number: i32) {
    let to = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    let signal = rustix::process::Signal::from_named_raw(number);
    if let (Some(to), Some(signal)) = (to, signal) {
        let _ = rustix::process::kill_process(to, signal);
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Can be cancelled.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.hangup.recv() => SignalKind::hangup().as_raw_value(),
        }
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let by_itself = status.code().and_then(|code| u8::try_from(code).ok()).map(ExitCode::from);
    by_itself.or_else(|| status.signal().map(by_signal)).unwrap_or(ExitCode::FAILURE)
}

/// As shells tell it.
fn by_signal(number: i32) -> ExitCode {
    ExitCode::from(u8::try_from(number + 128).unwrap_or(u8::MAX))
}
