use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::*;

/// Set in the process that these tests start and signal: this very program, asked for one test only.
const CHILD: &str = "TWOFOLD_TEST_SHUTDOWN_CHILD";
const PATIENCE: Duration = Duration::from_secs(60);

/// Not a test by itself: the process that the tests below start. It never ends on its own accord.
#[tokio::test]
async fn the_process_that_is_signalled() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let token = Shutdown::on_signal().token();
    // Lines of their own: the test harness has begun one with the name of this test.
    println!("\nlistening");
    token.cancelled().await;
    println!("\ndraining");
    std::future::pending::<()>().await;
}

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "shutdown::tests::the_process_that_is_signalled", "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn says(&mut self, wanted: &str) {
        let found = tokio::time::timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line == wanted {
                    return true;
                }
            }
            false
        });
        assert!(found.await.unwrap(), "the process never said {wanted}");
    }

    async fn signal(&self, name: &str) {
        let process = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().await.unwrap().success());
    }

    async fn ends_with(mut self, code: i32) {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(code), None));
    }
}

#[tokio::test]
async fn the_first_signal_drains_and_the_second_ends_the_process_at_once() {
    for (first, second, code) in [("TERM", "TERM", 143), ("INT", "INT", 130), ("TERM", "INT", 130)] {
        let mut process = Process::start();
        process.says("listening").await;
        process.signal(first).await;
        process.says("draining").await;
        process.signal(second).await;
        process.ends_with(code).await;
    }
}
