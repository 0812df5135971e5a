//! What the program says of what it cannot try out. Trials themselves are `./scripts/trial`'s.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::process::{Command, Output};

const TRIAL: &str = env!("CARGO_BIN_EXE_trial");

/// Any program there is stands for the one under trial: these trials do not begin.
fn trial(arguments: &[&str]) -> (Option<i32>, String) {
    said(Command::new(TRIAL).args(["--twofold", TRIAL]).args(arguments))
}

fn said(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_fault_that_there_is_not_is_answered_with_those_that_there_are() {
    let (code, said) = trial(&["--faults", "kill,flood"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.starts_with("trial: no fault flood; there are: kill, "), "{said}");
}

#[test]
fn an_earlier_run_that_is_not_there_is_named() {
    let (code, said) = trial(&["--replay", "no/such/run"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot read no/such/run/plan.json"), "{said}");
}

#[test]
fn a_trial_of_no_time_is_refused() {
    let (code, said) = trial(&["--minutes", "0"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("a trial takes some minutes"), "{said}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let (code, said) = said(Command::new(TRIAL).args(["--twofold", "no/such/program"]));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no/such/program is not there"), "{said}");
}
