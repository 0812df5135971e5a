//! `twofold verify log`: is history what was recorded?

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use event_log::VerifyError;
use kernel::LogId;

use crate::home::HomeArgs;
use crate::log::{self, LogArgs};
use crate::output::line;

/// What to verify.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum VerifyCommand {
    /// Read logs from their first event to their head and check the sequence, the hash chain, the times and the
    /// streams. Ends with 1 when one is broken.
    Log {
        #[command(flatten)]
        log: LogArgs,
        /// Only these logs, like catalog/3; every log without.
        #[arg(value_name = "LOG")]
        logs: Vec<LogId>,
    },
}

/// Verifies, and prints a line for each log.
pub(crate) async fn run(home: &HomeArgs, command: VerifyCommand) -> anyhow::Result<ExitCode> {
    let VerifyCommand::Log { log, logs } = command;
    let log = log.open(home).await?;
    let mut code = ExitCode::SUCCESS;
    let shows_progress = stderr().is_terminal();
    for id in log::chosen(&log, &logs).await? {
        let progress = |sequence| {
            if shows_progress {
                eprint!("\r{id}: {sequence}\r");
            }
        };
        match log.verify(&id, progress).await {
            Ok(verified) => {
                line(format_args!("{id}: {} events, whole, chain {}", verified.count, verified.head.chain))?;
            }
            Err(VerifyError::Broken(broken)) => {
                line(format_args!("{id}: {broken}"))?;
                code = ExitCode::FAILURE;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(code)
}
