//! `twofold verify`: is history what was recorded, and are the views what it folds to?

mod views;

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use event_log::{EventLog, VerifyError};
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
    /// Fold the log independently of the projectors and compare the rows of every view with it, in every store, up to
    /// where each lane of a view is. The system may run meanwhile. Ends with 1 when a row differs.
    Views(Box<views::ViewsArgs>),
}

/// Verifies, and prints what was found.
pub(crate) async fn run(home: &HomeArgs, command: VerifyCommand) -> anyhow::Result<ExitCode> {
    match command {
        VerifyCommand::Log { log, logs } => verify_logs(log.open(home).await?, &logs).await,
        VerifyCommand::Views(args) => views::run(home, &args).await,
    }
}

async fn verify_logs(log: EventLog, logs: &[LogId]) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let shows_progress = stderr().is_terminal();
    for id in log::chosen(&log, logs).await? {
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
