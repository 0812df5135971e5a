//! How a process is asked to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// A request to stop: the first SIGINT or SIGTERM cancels the token and the service drains, the second ends the
/// process at once. Nothing acknowledged is lost by that: it is durable before it is acknowledged.
#[derive(Debug, Clone)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Listens for signals from now on. Must be called inside a runtime. Where signals cannot be listened for,
    /// the first one ends the process at once.
    pub fn on_signal() -> Self {
        let token = CancellationToken::new();
        match signals() {
            Ok(signals) => drop(tokio::spawn(listen(signals, token.clone()))),
            Err(error) => error!(%error, "cannot listen for signals, stopping will not drain"),
        }
        Self { token }
    }

    /// Cancelled when the process was asked to stop.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

fn signals() -> io::Result<Signals> {
    Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
}

impl Signals {
    /// Waits for a signal and answers the exit code that says so.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

async fn listen(mut signals: Signals, token: CancellationToken) {
    signals.next().await;
    info!("asked to stop, draining");
    token.cancel();
    let code = signals.next().await;
    warn!("asked to stop again, leaving at once");
    std::process::exit(code)
}

#[cfg(test)]
mod tests;
