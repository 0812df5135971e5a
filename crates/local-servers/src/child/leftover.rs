//! What a killed earlier process may have left running: found by its process file, stopped before a new start.
//!
//! The file names the process by id *and* start time: an id alone may be another's by now.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::STOP_DEADLINE;
use crate::error::{Doing, LocalServerError};

const FILE: &str = "process";

pub(crate) fn name_of(signal: Signal) -> &'static str {
    if signal == Signal::INT { "INT" } else { "TERM" }
}

/// Notes a server that was just started.
pub(super) fn remember(folder: &Path, id: u32, stop: Signal) -> Result<(), LocalServerError> {
    let Some(started) = start_time(id) else { return Ok(()) };
    let path = folder.join(FILE);
    fs::write(&path, format!("{id} {started} {}\n", name_of(stop))).doing("write", &path)
}

/// Forgets a server that has stopped.
pub(super) fn forget(folder: &Path) {
    let _ = fs::remove_file(folder.join(FILE));
}

/// Stops the server that the folder's process file names, where it still runs. Call only while the folder is
/// held: its parent is gone then.
pub(crate) async fn stop_leftover(folder: &Path) {
    let Ok(text) = fs::read_to_string(folder.join(FILE)) else { return };
    if let Some((id, started, stop)) = parse(&text) {
        end(id, started, stop).await;
    }
    forget(folder);
}

async fn end(id: u32, started: u64, stop: Signal) {
    let runs = || start_time(id) == Some(started);
    let Some(pid) = Pid::from_raw(id.cast_signed()) else { return };
    for signal in [stop, Signal::KILL] {
        if !runs() {
            return;
        }
        tracing::info!(pid = id, "stopping a server that a killed earlier process left");
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + STOP_DEADLINE;
        while runs() && Instant::now() < deadline {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn parse(text: &str) -> Option<(u32, u64, Signal)> {
    let mut words = text.split_whitespace();
    let id = words.next()?.parse().ok()?;
    let started = words.next()?.parse().ok()?;
    let stop = if words.next()? == "INT" { Signal::INT } else { Signal::TERM };
    Some((id, started, stop))
}

/// When a process was started, in the system's ticks; `None` when it has ended, waited for or not.
fn start_time(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything, so fields are counted from its end: state is the third of
    // the line, the start time the twenty-second.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}
