//! Everything that is wrong with a configuration, found in one go.

use std::error::Error as _;
use std::ffi::OsString;
use std::fmt::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};

use super::printed;

/// The sentences about a wrong configuration, for whoever started the service. No sentence repeats a secret.
pub(super) fn report(service: &str, mistakes: &[String]) -> String {
    let mut text = format!("{service} cannot start with this configuration:\n");
    for mistake in mistakes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {mistake}");
    }
    text.push_str("`--help` tells what each value means.\n");
    text
}

/// A sentence about each value that does not parse, and each that is missing. Parsing ends at the first wrong value, so
/// that it is begun again with that one taken for right, until there is none.
pub(super) fn of(mut command: Command, given: &[OsString]) -> Vec<String> {
    let mut found = Vec::new();
    let mut known: Vec<String> = Vec::new();
    while let Err(error) = command.clone().try_get_matches_from(given) {
        let wrong = wrong_value(&command, &error).filter(|argument| !known.contains(&id(argument)));
        let Some(argument) = wrong else {
            found.extend(all_else(&command, &error));
            break;
        };
        found.push(format!("{}: {}", named(&argument), why(&argument, &error)));
        known.push(id(&argument));
        command =
            command.mut_arg(id(&argument), |argument| argument.value_parser(clap::value_parser!(OsString)));
    }
    found
}

fn id(argument: &Arg) -> String {
    argument.get_id().as_str().to_owned()
}

/// The argument whose value does not parse, where that is what is wrong.
fn wrong_value(command: &Command, error: &Error) -> Option<Arg> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue | ErrorKind::InvalidUtf8)
    {
        return None;
    }
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(usage)) => argument(command, usage),
        _ => None,
    }
}

/// The argument that an error names like this: `--lanes <COUNT>`.
fn argument(command: &Command, usage: &str) -> Option<Arg> {
    let mut command = command.clone();
    command.build();
    command.get_arguments().find(|argument| argument.to_string() == usage).cloned()
}

/// The arguments of which one is missing that an error names like this: `<--one <ONE>|--other <OTHER>>`.
fn any_of(command: &Command, usage: &str) -> String {
    let mut command = command.clone();
    command.build();
    let meant = command.get_arguments().filter(|argument| usage.contains(&argument.to_string()));
    let names: Vec<String> = meant.map(named).collect();
    if names.is_empty() { usage.to_owned() } else { names.join(" or ") }
}

fn named(argument: &Arg) -> String {
    let flag = argument.get_long().map(|flag| format!(" (--{flag})")).unwrap_or_default();
    match argument.get_env() {
        Some(_) => format!("{}{flag}", printed::name(argument)),
        None => printed::name(argument),
    }
}

/// Why a value does not parse. What a secret was is not said.
fn why(argument: &Arg, error: &Error) -> String {
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if !argument.is_hide_env_values_set() => format!("{value:?} "),
        _ => String::new(),
    };
    match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(reason), _) => format!("{value}does not do: {reason}"),
        (None, Some(ContextValue::Strings(valid))) => format!("{value}is not one of {}", valid.join(", ")),
        (None, _) => format!("{value}does not do"),
    }
}

/// What is missing, each by its name; of anything else what the parser says, which then repeats no value.
fn all_else(command: &Command, error: &Error) -> Vec<String> {
    if let (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    {
        let one = |usage: &String| {
            argument(command, usage).map_or_else(|| any_of(command, usage), |missing| named(&missing))
        };
        return missing.iter().map(|usage| format!("{}: not set", one(usage))).collect();
    }
    let said = error.to_string();
    let first = said.lines().next().unwrap_or_default();
    vec![first.strip_prefix("error: ").unwrap_or(first).to_owned()]
}
