//! `twofold up` as a person uses it: start, a command, Ctrl-C, start again.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::system::pause;

const START: Duration = Duration::from_secs(180);
const STOP: Duration = Duration::from_secs(60);

const FREE_PORTS: [&str; 10] = [
    "--command-port=0",
    "--registry-port=0",
    "--query-port=0",
    "--relay-port=0",
    "--projector-postgres-port=0",
    "--projector-redis-port=0",
    "--process-manager-port=0",
    "--postgres-port=0",
    "--redis-port=0",
    "--kafka-port=0",
];

struct Up {
    child: Child,
    printed: String,
}

fn twofold(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twofold"));
    command.arg("--home").arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

impl Up {
    async fn start(folder: &Path, more: &[&str]) -> Self {
        let mut child = twofold(folder).arg("up").args(FREE_PORTS).args(more).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        let read = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                printed.push_str(&line);
                printed.push('\n');
                if line.starts_with("Ctrl-C") {
                    break;
                }
            }
        };
        timeout(START, read).await.expect("up is up in time");
        assert!(printed.starts_with("Twofold is up"), "{printed}");
        Self { child, printed }
    }

    /// What stands after a word of the banner.
    fn told(&self, word: &str) -> String {
        let line = self.printed.lines().find_map(|line| line.trim_start().strip_prefix(word));
        line.and_then(|rest| rest.split_whitespace().next()).expect("the banner tells it").to_owned()
    }

    async fn interrupt(mut self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        let ended = timeout(STOP, self.child.wait()).await.expect("up stops in time").unwrap();
        assert!(ended.success(), "{ended}");
    }
}

#[tokio::test]
async fn what_was_recorded_is_there_after_a_stop_and_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path(), &[]).await;
    let (token, client) = (up.told("export TOKEN="), reqwest::Client::new());
    let url = format!("{}/v1/catalog/create-category", up.told("commands"));
    let answer = client.post(url).bearer_auth(&token).json(&json!({"name": "Books"})).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let after = answer.headers()["twofold-sequence"].clone();
    let key = folder.path().join("jwt.key").metadata().unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    up.interrupt().await;

    let up = Up::start(folder.path(), &[]).await;
    let query = client.get(format!("{}/v1/catalog/categories", up.told("queries"))).bearer_auth(&token);
    let answer = query.header("Twofold-After", after).header("Prefer", "wait=30").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["items"][0]["name"], "Books");
    let output = twofold(folder.path()).args(["projections", "--json"]).output().await.unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stands = |view: &&Value| view["view"] == "categories" && view["state"] == "serving";
    let categories = told["items"].as_array().unwrap().iter().find(stands).unwrap();
    assert!(categories["lanes"].as_array().unwrap().iter().any(|lane| lane["lag_events"] == 0), "{told}");
    let output = twofold(folder.path()).args(["verify", "views", "--all"]).output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && told.contains("categories v1 build 1 in postgres: 1 rows compared"),
        "{told}"
    );
    let rebuilt = async |args: &[&str], expected: &str| {
        let output = twofold(folder.path()).args(args).stderr(Stdio::piped()).output().await.unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && told.contains(expected), "{told} {output:?}");
    };
    rebuilt(&["rebuild", "product-details"], "product-details build 2 in redis: read").await;
    rebuilt(&["verify", "views", "--all"], "product-details v1 build 2 in postgres: 0 rows compared").await;
    rebuilt(&["rollback", "product-details", "--store", "postgres"], "build 1 in postgres: read again").await;
    let second = twofold(folder.path()).arg("up").stderr(Stdio::piped()).output().await.unwrap();
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("is in use by process"), "{told}");
    up.interrupt().await;

    let up = Up::start(folder.path(), &["--fresh"]).await;
    let query = client.get(format!("{}/v1/catalog/categories", up.told("queries"))).bearer_auth(&token);
    let answer: Value = query.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["items"], json!([]));
    up.interrupt().await;
}

#[tokio::test]
async fn the_demo_data_are_there_in_every_state_and_loading_them_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path(), &["--demo"]).await;
    assert!(up.printed.contains("tenants acme, globex, initech"), "{}", up.printed);
    assert!(!up.printed.contains("there before"), "nothing is refused: {}", up.printed);
    let (token, client) = (up.told("export TOKEN="), reqwest::Client::new());
    let statuses = async |up: &Up| {
        let url = format!("{}/v1/orders?limit=100", up.told("queries"));
        let orders: Value = client.get(url).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
        let mut counts = BTreeMap::<String, usize>::new();
        for order in orders["items"].as_array().unwrap_or_else(|| panic!("{orders}")) {
            *counts.entry(order["status"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    };
    let expected: BTreeMap<_, _> = [
        ("cancelled", 4),
        ("confirmed", 8),
        ("delivered", 16),
        ("pending", 4),
        ("rejected", 8),
        ("shipped", 8),
    ]
    .map(|(status, count)| (status.to_owned(), count))
    .into();
    let deadline = Instant::now() + Duration::from_secs(60);
    while statuses(&up).await != expected {
        assert!(Instant::now() < deadline, "{:?}", statuses(&up).await);
        pause().await;
    }
    up.interrupt().await;

    let up = Up::start(folder.path(), &["--demo"]).await;
    assert!(!up.printed.contains("there before"), "its keys are known: {}", up.printed);
    assert_eq!(statuses(&up).await, expected);
    up.interrupt().await;
}

#[tokio::test]
async fn a_taken_port_is_told_before_anything_is_started() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let mut child = twofold(folder.path())
        .args(["up", &format!("--query-port={port}")])
        .args(FREE_PORTS.iter().filter(|flag| !flag.starts_with("--query-port")))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).await.unwrap();
    assert!(!child.wait().await.unwrap().success());
    assert!(told.contains(&format!("port {port} for query-service (--query-port) is taken")), "{told}");
    assert!(!folder.path().join("servers/postgres").exists());
}
