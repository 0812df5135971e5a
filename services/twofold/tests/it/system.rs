//! Twofold as separate processes, each of which can be killed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use test_servers::{TestDatabase, TestKafka, TestRedis};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// In the order in which they are started.
const SERVICES: [&str; 7] = [
    "schema-registry",
    "command-service",
    "query-service",
    "relay",
    "projector-postgres",
    "projector-redis",
    "process-manager",
];

/// How long a service may take until it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(90);

/// A whole system with databases, Redis keys and topics of its own.
pub(crate) struct System {
    pub(crate) log: TestDatabase,
    pub(crate) views: TestDatabase,
    pub(crate) instances: TestDatabase,
    pub(crate) redis: TestRedis,
    pub(crate) kafka: TestKafka,
    pub(crate) client: Client,
    environment: Vec<(&'static str, String)>,
    /// What single services are told, in place of what all are.
    own: BTreeMap<&'static str, Vec<(&'static str, String)>>,
    addresses: BTreeMap<&'static str, SocketAddr>,
    scheme: &'static str,
    processes: BTreeMap<&'static str, Process>,
    _folder: tempfile::TempDir,
}

struct Process {
    address: SocketAddr,
    child: Child,
}

impl System {
    /// Starts every service and waits until each is ready.
    pub(crate) async fn start() -> Self {
        Self::start_told(&[]).await
    }

    /// The same, with these variables in its environment.
    pub(crate) async fn start_told(told: &[(&'static str, &str)]) -> Self {
        let mut system = Self::made(told).await;
        system.start_all().await;
        system
    }

    /// Databases and addresses; nothing is started.
    pub(crate) async fn made(told: &[(&'static str, &str)]) -> Self {
        let create = || Box::pin(TestDatabase::create());
        let (log, views, registry, instances) = tokio::join!(create(), create(), create(), create());
        let (redis, kafka) = (test_servers::redis(), test_servers::kafka());
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("jwt.key");
        std::fs::write(&key, "a key for tests on loopback, and for nothing else").unwrap();
        let addresses: BTreeMap<_, _> = SERVICES.iter().map(|name| (*name, free_address())).collect();
        let mut environment = vec![
            ("TWOFOLD_LOG_URL", log.url().to_owned()),
            ("TWOFOLD_VIEWS_URL", views.url().to_owned()),
            ("TWOFOLD_REGISTRY_DATABASE_URL", registry.url().to_owned()),
            ("TWOFOLD_PROCESSES_URL", instances.url().to_owned()),
            ("TWOFOLD_PROCESS_MANAGER_URL", format!("http://{}", addresses["process-manager"])),
            ("TWOFOLD_REGISTRY_URL", format!("http://{}", addresses["schema-registry"])),
            ("TWOFOLD_LOG_SERVICE_URL", format!("http://{}", addresses["command-service"])),
            ("TWOFOLD_REDIS_URL", redis.url.clone()),
            ("TWOFOLD_REDIS_PREFIX", redis.prefix.clone()),
            ("TWOFOLD_KAFKA", kafka.brokers.clone()),
            ("TWOFOLD_TOPIC_PREFIX", kafka.prefix.clone()),
            ("TWOFOLD_LANES", "4".to_owned()),
            ("TWOFOLD_JWT_SECRET_FILE", key.display().to_string()),
            ("TWOFOLD_LOG", "error".to_owned()),
            (
                "TWOFOLD_PROJECTORS",
                format!("http://{},http://{}", addresses["projector-postgres"], addresses["projector-redis"]),
            ),
        ];
        environment.extend(told.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self {
            log,
            views,
            instances,
            redis,
            kafka,
            client: Client::new(),
            environment,
            own: BTreeMap::new(),
            addresses,
            scheme: "http",
            processes: BTreeMap::new(),
            _folder: folder,
        }
    }

    /// Tells one service something, in place of what all are told.
    pub(crate) fn tell(&mut self, service: &'static str, name: &'static str, value: &str) {
        self.own.entry(service).or_default().push((name, value.to_owned()));
    }

    /// Has every service show a certificate that is good for 127.0.0.1, and believe its authority.
    pub(crate) fn speak_tls(&mut self, files: [(&'static str, &std::path::Path); 3], authority: &str) {
        for (_, value) in &mut self.environment {
            *value = value.replace("http://", "https://");
        }
        self.environment.extend(files.map(|(name, path)| (name, path.display().to_string())));
        let authority = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
        self.client = Client::builder().tls_certs_only([authority]).build().unwrap();
        self.scheme = "https";
    }

    /// Starts every service and waits until each is ready.
    pub(crate) async fn start_all(&mut self) {
        for name in SERVICES {
            let address = self.addresses[name];
            let process = Process { address, child: self.spawn(name, address) };
            self.processes.insert(name, process);
        }
        for name in SERVICES {
            self.wait_until_ready(name).await;
        }
    }

    fn spawn(&self, name: &str, address: SocketAddr) -> Child {
        Command::new(env!("CARGO_BIN_EXE_twofold"))
            .args(["service", name])
            .envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())))
            .envs(self.own.get(name).into_iter().flatten().map(|(name, value)| (*name, value.as_str())))
            .env("TWOFOLD_LISTEN", address.to_string())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// SIGKILL: no chance to say or write anything.
    pub(crate) async fn kill(&mut self, name: &str) {
        self.processes.get_mut(name).expect("a service").child.kill().await.unwrap();
    }

    /// Starts a service again that was killed, on the port it had.
    pub(crate) fn start_again(&mut self, name: &'static str) {
        let address = self.processes[name].address;
        let child = self.spawn(name, address);
        self.processes.insert(name, Process { address, child });
    }

    pub(crate) async fn wait_until_ready(&self, name: &str) {
        let url = format!("{}/readyz", self.url(name));
        let deadline = Instant::now() + READY;
        loop {
            let said = match self.client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            assert!(Instant::now() < deadline, "{name} is not ready: {said}");
            pause().await;
        }
    }

    /// A token as the command line prints it.
    pub(crate) async fn token(&self, tenant: &str, scope: &str) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_twofold"))
            .args(["token", "--tenant", tenant, "--scope", scope])
            .envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())))
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What a command of the command line prints, with the system's environment.
    pub(crate) async fn twofold(&self, arguments: &[&str]) -> String {
        let (succeeded, told) = self.twofold_ends(arguments).await;
        assert!(succeeded, "{arguments:?}: {told}");
        told
    }

    /// The same, and whether it ended with 0.
    pub(crate) async fn twofold_ends(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_twofold"))
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())))
            .output()
            .await
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let trouble = String::from_utf8_lossy(&output.stderr);
        (output.status.success(), if output.status.success() { told } else { told + &trouble })
    }

    /// Another value of a variable, for whatever is started from now on.
    pub(crate) fn tell_all(&mut self, name: &'static str, value: &str) {
        self.environment.retain(|(told, _)| *told != name);
        self.environment.push((name, value.to_owned()));
    }

    /// Runs a command of the command line until it ends with 0.
    pub(crate) async fn until_twofold(&self, arguments: &[&str]) -> String {
        let deadline = Instant::now() + READY;
        loop {
            let (succeeded, told) = self.twofold_ends(arguments).await;
            if succeeded {
                return told;
            }
            assert!(Instant::now() < deadline, "{arguments:?}: {told}");
            pause().await;
        }
    }

    /// Where commands go.
    pub(crate) fn commands_url(&self) -> String {
        self.url("command-service")
    }

    /// Where a service listens.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}://{}", self.scheme, self.processes[name].address)
    }

    pub(crate) fn command(&self, path: &str, token: &str, body: &serde_json::Value) -> RequestBuilder {
        let url = format!("{}{path}", self.commands_url());
        self.client.post(url).bearer_auth(token).json(body)
    }

    pub(crate) fn query(&self, path: &str, token: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.url("query-service"));
        self.client.request(Method::GET, url).bearer_auth(token)
    }
}

/// Between two looks at something that others bring about.
pub(crate) async fn pause() {
    tokio::time::timeout(Duration::from_millis(20), std::future::pending::<()>()).await.unwrap_err();
}

fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, local_servers::claim_port(local_servers::Port::Free, "service").unwrap()).into()
}
