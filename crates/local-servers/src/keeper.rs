//! The thread that starts every child.
//!
//! The system tells a child of its parent's death when the *thread* that started it ends. Runtime threads come
//! and go, so children are started by one thread that lives as long as the process.

use std::io;
use std::sync::{OnceLock, mpsc};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Request {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

static KEEPER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();

/// Starts a child that lives no longer than this process, where `command` asks for a death signal.
pub(crate) async fn spawn(command: Command) -> io::Result<Child> {
    let keeper = KEEPER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for Request { mut command, runtime, answer } in requests {
                let _inside = runtime.enter();
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, spawned) = oneshot::channel();
    let gone = || io::Error::other("the thread that starts servers is gone");
    keeper.send(Request { command, runtime: Handle::current(), answer }).map_err(|_| gone())?;
    spawned.await.map_err(|_| gone())?
}
