//! A configuration as it can be shown to anyone.

use std::fmt::Write as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// A line for each value, in the form of an environment file, with where it comes from.
pub(super) fn values(command: &Command, matches: &ArgMatches) -> String {
    let mut text = String::new();
    for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
        let name = name(argument);
        // Writing to a string does not fail.
        let _ = match (matches.get_raw(argument.get_id().as_str()), origin(matches, argument)) {
            (Some(values), Some(origin)) => {
                let shown: Vec<String> =
                    values.map(|value| shown(argument, &value.to_string_lossy())).collect();
                writeln!(text, "{name}={}  # {origin}", shown.join(","))
            }
            _ => writeln!(text, "# {name} is not set"),
        };
    }
    text
}

/// The environment's name for a value, else its flag.
pub(super) fn name(argument: &Arg) -> String {
    match argument.get_env() {
        Some(variable) => variable.to_string_lossy().into_owned(),
        None => format!("--{}", argument.get_long().unwrap_or(argument.get_id().as_str())),
    }
}

fn origin(matches: &ArgMatches, argument: &Arg) -> Option<&'static str> {
    match matches.value_source(argument.get_id().as_str())? {
        ValueSource::DefaultValue => Some("default"),
        ValueSource::EnvVariable => Some("environment"),
        _ => Some("flag"),
    }
}

const REDACTED: &str = "[redacted]";

fn shown(argument: &Arg, value: &str) -> String {
    if argument.is_hide_env_values_set() {
        // A list's values have names, and the names are no secrets.
        match value.split_once('=').filter(|_| argument.get_value_delimiter().is_some()) {
            Some((name, _)) => format!("{name}={REDACTED}"),
            None => without_secrets(value),
        }
    } else if value.contains("://") && value.contains('@') {
        without_secrets(value)
    } else {
        value.to_owned()
    }
}

/// Of a URL where it points; of everything else, and of what is not quite a URL, nothing.
fn without_secrets(value: &str) -> String {
    place(value).unwrap_or_else(|| REDACTED.to_owned())
}

fn place(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://")?;
    let (rest, query) = match rest.find(['?', '#']) {
        Some(at) => (&rest[..at], "?[redacted]"),
        None => (rest, ""),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // More than one, or one that is somewhere else: a password that was not escaped.
    let marks = value.matches('@').count();
    let (who, host) = match authority.split_once('@') {
        Some((_, host)) if marks == 1 => ("[redacted]@", host),
        None if marks == 0 => ("", authority),
        _ => return None,
    };
    is_a_host(host).then(|| format!("{scheme}://{who}{host}{path}{query}"))
}

fn is_a_host(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "0"));
    let in_a_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':');
    !name.is_empty() && name.bytes().all(in_a_name) && port.parse::<u16>().is_ok()
}
