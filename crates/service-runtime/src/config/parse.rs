//! From flags and environment to a configuration, or to what else a service's binary can be asked for.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};

use clap::{Arg, ArgAction, Args, Command, FromArgMatches};

use super::{ListenConfig, mistakes, printed};
use crate::healthcheck;

/// The exit code of a process that was told something wrong.
const MISTAKEN: i32 = 2;

const PRINT_CONFIG: &str = "print_config";
const HEALTHCHECK: &str = "healthcheck";

/// Reads a service's configuration from flags and environment, or ends the process with a sentence about each thing
/// that is wrong with it. `listen` is where the service listens unless it is told otherwise: `"0.0.0.0:8080"`.
///
/// `--print-config` prints the values that would be used, secrets redacted, and ends the process. `--healthcheck` asks
/// the service that listens on this machine whether it is ready, and ends the process with 0 or 1; it needs no other
/// configuration than where that is.
pub fn parse<C: Args>(service: &'static str, listen: &'static str) -> C {
    let given: Vec<OsString> = env::args_os().collect();
    if given.iter().skip(1).any(|argument| argument == "--healthcheck") {
        std::process::exit(healthcheck::report(own(service, listen, &given)));
    }
    let command = command::<C>(service, listen);
    let read = command
        .clone()
        .try_get_matches_from(&given)
        .and_then(|matches| C::from_arg_matches(&matches).map(|config| (config, matches)));
    match read {
        Ok((_, matches)) if matches.get_flag(PRINT_CONFIG) => {
            // Nobody reads any more: nothing to tell.
            let _ = io::stdout().write_all(printed::values(&command, &matches).as_bytes());
            std::process::exit(0)
        }
        Ok((config, _)) => config,
        // `--help` and `--version` are no mistakes.
        Err(asked) if !asked.use_stderr() => asked.exit(),
        Err(_) => {
            eprint!("{}", mistakes::report(service, &mistakes::of(command, &given)));
            std::process::exit(MISTAKEN)
        }
    }
}

/// Everything that a service's command line knows.
pub(super) fn command<C: Args>(service: &'static str, listen: &'static str) -> Command {
    let command = C::augment_args(Command::new(service).version(env!("CARGO_PKG_VERSION")));
    let command = command.arg(
        Arg::new(PRINT_CONFIG)
            .long("print-config")
            .action(ArgAction::SetTrue)
            .help("Print the values that would be used, secrets redacted, and exit"),
    );
    listening(command.arg(asks_for_health()), listen).mut_args(|argument| match argument.get_env() {
        Some(variable) if is_set_to_nothing(variable) => argument.env(None::<&'static str>),
        _ => argument,
    })
}

/// Where and how the service listens that is asked for its health: the same flags and variables as its own, whatever
/// else is said.
fn own(service: &'static str, listen: &'static str, given: &[OsString]) -> Result<ListenConfig, clap::Error> {
    let command =
        ListenConfig::augment_args(Command::new(service)).arg(asks_for_health()).ignore_errors(true);
    let matches = listening(command, listen).try_get_matches_from(given)?;
    ListenConfig::from_arg_matches(&matches)
}

fn asks_for_health() -> Arg {
    Arg::new(HEALTHCHECK)
        .long("healthcheck")
        .action(ArgAction::SetTrue)
        .help("Ask the service that listens there on this machine whether it is ready, and exit with 0 or 1")
}

fn listening(command: Command, listen: &'static str) -> Command {
    if command.get_arguments().any(|argument| argument.get_id() == "listen") {
        command.mut_arg("listen", |argument| argument.required(false).default_value(listen))
    } else {
        command
    }
}

/// A variable that is set to nothing counts as not set: templates make that of values which nobody gave.
fn is_set_to_nothing(variable: &OsStr) -> bool {
    env::var_os(variable).is_some_and(|value| value.is_empty())
}
