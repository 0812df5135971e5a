//! A thread of their own for the appenders.
//!
//! The database waits for them between two batches. On the runtime that serves requests, the answer to a batch is
//! noticed only after the requests that are being worked on; here it is noticed at once.

use std::io;
use std::time::Duration;

use sqlx::PgPool;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long the connections may take to say goodbye.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(1);

/// The thread, and the connections that are used on it only. It ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct AppendThread {
    runtime: Handle,
    pub(crate) pool: PgPool,
    _alive: mpsc::Sender<()>,
}

impl AppendThread {
    /// Starts it, with a pool like `pool` but of half the size.
    pub(crate) fn start(pool: &PgPool) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let connections = (pool.options().get_max_connections() / 2).max(1);
        let pool = {
            let _entered = handle.enter();
            let options = pool.options().clone().max_connections(connections);
            options.connect_lazy_with(pool.connect_options().as_ref().clone())
        };
        let (alive, mut ended) = mpsc::channel::<()>(1);
        let closing = pool.clone();
        std::thread::Builder::new().name("append".to_owned()).spawn(move || {
            runtime.block_on(async {
                let _ = ended.recv().await;
                let _ = timeout(CLOSE_WAIT_MAX, closing.close()).await;
            });
        })?;
        Ok(Self { runtime: handle, pool, _alive: alive })
    }

    pub(crate) fn spawn(&self, appender: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(appender);
    }
}
