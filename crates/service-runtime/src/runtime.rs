//! The runtime that a service runs on.

use std::num::NonZero;
use std::{env, io, thread};

use tokio::runtime::{Builder, Runtime};

/// A runtime with a worker for each core, less those for which the service has a thread `apart`; with as many as
/// `TOKIO_WORKER_THREADS` says where that is set. A worker too many costs a busy service more than it gives: each
/// answer then wakes another thread than the one that is awake.
pub fn runtime(apart: usize) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if env::var_os("TOKIO_WORKER_THREADS").is_none() {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        builder.worker_threads(cores.saturating_sub(apart).max(1));
    }
    builder.enable_all().build()
}
