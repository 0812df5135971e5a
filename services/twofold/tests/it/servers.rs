//! Servers never outlive whoever started them.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn twofold() -> Command {
    Command::new(env!("CARGO_BIN_EXE_twofold"))
}

fn listens(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        thread::park_timeout(Duration::from_millis(50));
    }
}

#[test]
fn a_command_gets_servers_that_are_gone_afterwards_and_its_exit_code_is_passed_on() {
    let script = "echo ${TWOFOLD_TEST_POSTGRES##*@} ${TWOFOLD_TEST_REDIS##*/} $TWOFOLD_TEST_KAFKA; exit 7";
    let output = twofold().args(["servers", "run", "--", "bash", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let addresses: Vec<_> = printed.split_whitespace().collect();
    assert_eq!(addresses.len(), 3, "{printed}");
    for address in addresses {
        assert!(!listens(address.trim_end_matches("/postgres")), "{address} still listens");
    }
}

#[test]
fn servers_end_when_their_parent_is_killed() {
    let script = "echo $TWOFOLD_TEST_KAFKA; echo ${TWOFOLD_TEST_REDIS##*/}; read -r never";
    let mut parent = twofold()
        .args(["servers", "run", "--", "bash", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let addresses = [lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap()];
    assert!(addresses.iter().all(|address| listens(address)));
    parent.kill().unwrap();
    parent.wait().unwrap();
    for address in addresses {
        eventually("the server has ended", || !listens(&address));
    }
}
