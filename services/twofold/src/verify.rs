//! `twofold verify`: is history what was recorded, and are the views what it folds to?

mod views;

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use event_log::{AuditVerified, EventLog, VerifyAuditError, VerifyError};
use kernel::{ChainHash, LogId};

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
    /// Read the audit from its oldest entry to its head and check that none is missing, changed or added, and that the
    /// logs still have what it saw of them. Ends with 1 when it is broken.
    Audit {
        #[command(flatten)]
        log: LogArgs,
        /// What this command said at its end another time, kept elsewhere: a number and the chain that it had. Who can
        /// write the database can make a whole chain anew, but not that one.
        #[arg(long, value_name = "NUMBER:CHAIN", value_parser = seen)]
        seen: Option<(u64, ChainHash)>,
    },
    /// Fold the log independently of the projectors and compare the rows of every view with it, in every store, up to
    /// where each lane of a view is. The system may run meanwhile. Ends with 1 when a row differs.
    Views(Box<views::ViewsArgs>),
}

/// Verifies, and prints what was found.
pub(crate) async fn run(home: &HomeArgs, command: VerifyCommand) -> anyhow::Result<ExitCode> {
    match command {
        VerifyCommand::Log { log, logs } => verify_logs(log.open(home).await?, &logs).await,
        VerifyCommand::Audit { log, seen } => verify_audit(log.open(home).await?, seen).await,
        VerifyCommand::Views(args) => views::run(home, &args).await,
    }
}

fn seen(text: &str) -> Result<(u64, ChainHash), &'static str> {
    let parsed = text
        .split_once(':')
        .and_then(|(number, chain)| Some((number.parse().ok()?, ChainHash::from_hex(chain)?)));
    parsed.ok_or("expected a number, a colon and 64 hexadecimal digits")
}

async fn verify_audit(log: EventLog, seen: Option<(u64, ChainHash)>) -> anyhow::Result<ExitCode> {
    match log.verify_audit(seen).await {
        Ok(verified) => {
            let AuditVerified { count, anchors, head } = verified;
            let removed = match head.removed {
                0 => String::new(),
                removed => format!("; {removed} before them were removed after their time"),
            };
            line(format_args!("audit: {count} entries, whole, {anchors} say where the logs stood{removed}"))?;
            line(format_args!("audit: ends at {}:{}", head.number, head.chain))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(VerifyAuditError::Broken(broken)) => {
            line(format_args!("audit: {broken}"))?;
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
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
