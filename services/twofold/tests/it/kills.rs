//! Nothing acknowledged is lost, nothing happens twice, whatever is killed.

use std::env;

use crate::check;
use crate::load::Load;
use crate::system::System;

/// What is killed, and after which part of the commands, in percent.
const KILLS: [(usize, &str); 6] = [
    (15, "command-service"),
    (30, "relay"),
    (45, "command-service"),
    (55, "projector-postgres"),
    (65, "projector-redis"),
    (80, "command-service"),
];

/// How large, unless the environment says otherwise: TWOFOLD_TRIAL_COMMANDS=200000 TWOFOLD_TRIAL_CONNECTIONS=64.
const COMMANDS: usize = 2_000;
const CONNECTIONS: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_command_is_once_in_the_log_the_topic_and_every_view_whatever_is_killed() {
    let load =
        Load::new(size("TWOFOLD_TRIAL_COMMANDS", COMMANDS), size("TWOFOLD_TRIAL_CONNECTIONS", CONNECTIONS));
    let mut system = System::start().await;
    let running = load.start(&system).await;
    for (percent, service) in KILLS {
        load.reached(percent).await;
        system.kill(service).await;
        system.start_again(service);
        system.wait_until_ready(service).await;
    }
    let acknowledged = running.finish().await;
    assert!(acknowledged.len() >= load.commands);
    check::everything(&system, &acknowledged).await;
}

fn size(name: &str, usual: usize) -> usize {
    env::var(name).map_or(usual, |text| text.parse().unwrap())
}
