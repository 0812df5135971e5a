//! Numbers about the process itself, read from `/proc` when asked for; none where there is no `/proc`.

use std::fs;

/// One number with the name that Prometheus' own clients give it.
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) help: &'static str,
    pub(super) value: f64,
}

/// `/proc` counts processor time in these; Linux fixes it for user space.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn numbers() -> Vec<Number> {
    let mut numbers = Vec::with_capacity(4);
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        if let Some(kibibytes) = status_field(&status, "VmRSS:") {
            numbers.push(Number {
                name: "process_resident_memory_bytes",
                kind: "gauge",
                help: "Resident memory size in bytes.",
                value: kibibytes * 1024.0,
            });
        }
        if let Some(value) = status_field(&status, "Threads:") {
            let help = "Number of OS threads in the process.";
            numbers.push(Number { name: "process_threads", kind: "gauge", help, value });
        }
    }
    if let Some(value) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        let help = "Total user and system CPU time spent in seconds.";
        numbers.push(Number { name: "process_cpu_seconds_total", kind: "counter", help, value });
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        let help = "Number of open file descriptors.";
        let value = u32::try_from(open.count()).unwrap_or(u32::MAX).into();
        numbers.push(Number { name: "process_open_fds", kind: "gauge", help, value });
    }
    numbers
}

fn status_field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `stat`, counted after the command name, which may itself hold spaces and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}
