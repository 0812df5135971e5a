#![doc = include_str!("../README.md")]

pub mod config;
mod health;
mod healthcheck;
mod listen;
mod ops;
mod runtime;
mod serve;
mod shutdown;
mod tasks;
pub mod telemetry;
mod tls;
mod wait;

use std::pin::Pin;

/// The allocator of every service. A request is taken up on one thread and its answer made on another; the system's
/// allocator pays for that with a fifth of a command's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a service does, boxed: so it is compiled with the service, once, and not again with every program that runs it.
pub type ServiceFuture<T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send>>;

pub use health::{Dependency, Health, Readiness};
pub use listen::{BindError, Listener, bind};
pub use ops::ops_router;
pub use runtime::runtime;
pub use serve::{DRAIN_TIMEOUT, Peer, serve};
pub use shutdown::Shutdown;
pub use tasks::Tasks;
pub use tls::TlsError;
pub use tokio_util::sync::CancellationToken;
pub use wait::{Backoff, wait_for};
