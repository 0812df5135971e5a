//! The system under trial: servers, a process for each service, and a proxy on each link between them.

mod environment;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use local_servers::{Broker, Home, Port, Server, Servers, Wanted, claim_port};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::AssertSqlSafe;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::proxy::Proxy;
use environment::{Ports, database_url, environment, port_of};

/// In the order in which they are started.
pub(crate) const SERVICES: [&str; 7] = [
    "schema-registry",
    "command-service",
    "query-service",
    "relay",
    "projector-postgres",
    "projector-redis",
    "process-manager",
];

/// Whom services talk to.
pub(crate) const PEERS: [&str; 5] = ["postgres", "redis", "kafka", "schema-registry", "command-service"];

/// Who the clients are, on links.
pub(crate) const CLIENTS: &str = "clients";

/// What topics begin with.
pub(crate) const TOPICS: &str = "trial";

/// Lanes of each context.
pub(crate) const LANES: u16 = 4;

/// How long a service may take until it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(50);

/// A link from one who asks to one who answers.
pub(crate) type Link = (String, String);

/// Everything that runs.
pub(crate) struct System {
    twofold: PathBuf,
    /// Each by itself, so that what is done to one need not wait for another.
    servers: BTreeMap<&'static str, Mutex<Servers>>,
    services: BTreeMap<&'static str, Mutex<Process>>,
    proxies: BTreeMap<Link, Proxy>,
    /// For the command line and for the trial itself: no proxy between.
    environment: Vec<(String, String)>,
    pub(crate) log_url: String,
    pub(crate) views_url: String,
    pub(crate) brokers: String,
    redis_port: u16,
    extra: Mutex<Vec<Child>>,
    folder: PathBuf,
    /// Last: its folder goes when everything that ran in it has ended.
    _home: Home,
}

struct Process {
    address: SocketAddr,
    child: Option<Child>,
    environment: Vec<(String, String)>,
}

impl System {
    /// Starts everything and waits until it is ready. What services say goes to files of the folder.
    pub(crate) async fn start(twofold: &Path, folder: &Path, bug: Option<&str>) -> anyhow::Result<Self> {
        let home = Home::throw_away().await?;
        let free = Some(Port::Free);
        let (postgres_server, redis_server, kafka_server) = tokio::try_join!(
            Servers::start(&home, Wanted { postgres: free, ..Wanted::default() }),
            Servers::start(&home, Wanted { redis: free, ..Wanted::default() }),
            Servers::start(&home, Wanted { broker: Some((Broker::Kafka, Port::Free)), ..Wanted::default() }),
        )?;
        let postgres = postgres_server.postgres.clone().context("Postgres was not started")?;
        let brokers = kafka_server.kafka.clone().context("Kafka was not started")?;
        let redis = redis_server.redis.clone().context("Redis was not started")?;
        let servers = [("postgres", postgres_server), ("redis", redis_server), ("kafka", kafka_server)];
        let servers = servers.into_iter().map(|(name, server)| (name, Mutex::new(server))).collect();
        for database in ["log", "views", "registry", "processes"] {
            create_database(&postgres, database).await?;
        }
        let addresses: BTreeMap<&'static str, SocketAddr> =
            SERVICES.iter().map(|name| Ok((*name, free_address()?))).collect::<anyhow::Result<_>>()?;
        let direct = Ports {
            postgres: port_of(&postgres)?,
            redis: port_of(&redis)?,
            kafka: port_of(&brokers)?,
            registry: addresses["schema-registry"].port(),
            commands: addresses["command-service"].port(),
        };
        let key = home.data().join("jwt.key");
        std::fs::write(&key, format!("{:032x}{:032x}", fastrand::u128(..), fastrand::u128(..)))?;
        let environment = environment(&direct, &postgres, &addresses, &key, bug)?;
        let mut proxies = BTreeMap::new();
        let mut services = BTreeMap::new();
        for name in SERVICES {
            for peer in PEERS.into_iter().filter(|peer| *peer != name) {
                let proxy = Proxy::before(direct.of(peer), peer == "kafka").await?;
                proxies.insert((name.to_owned(), peer.to_owned()), proxy);
            }
            let port = |peer: &str| proxies.get(&(name.to_owned(), peer.to_owned())).map_or(0, Proxy::port);
            let seen = Ports {
                postgres: port("postgres"),
                redis: port("redis"),
                kafka: port("kafka"),
                registry: port("schema-registry"),
                commands: port("command-service"),
            };
            let mut environment = environment::environment(&seen, &postgres, &addresses, &key, bug)?;
            environment.push(("TWOFOLD_LISTEN".to_owned(), addresses[name].to_string()));
            services.insert(name, Mutex::new(Process { address: addresses[name], child: None, environment }));
        }
        for peer in ["command-service", "query-service"] {
            let proxy = Proxy::before(addresses[peer].port(), false).await?;
            proxies.insert((CLIENTS.to_owned(), peer.to_owned()), proxy);
        }
        let system = Self {
            twofold: twofold.to_owned(),
            servers,
            services,
            proxies,
            environment,
            log_url: database_url(&postgres, direct.postgres, "log")?,
            views_url: database_url(&postgres, direct.postgres, "views")?,
            brokers,
            redis_port: direct.redis,
            extra: Mutex::new(Vec::new()),
            folder: folder.to_owned(),
            _home: home,
        };
        for name in SERVICES {
            system.start_service(name).await?;
        }
        for name in SERVICES {
            system.wait_until_ready(name).await?;
        }
        Ok(system)
    }

    /// A link's proxy.
    pub(crate) fn link(&self, link: &Link) -> anyhow::Result<&Proxy> {
        self.proxies.get(link).with_context(|| format!("there is no link from {} to {}", link.0, link.1))
    }

    /// Where clients reach a service.
    pub(crate) fn url_for_clients(&self, service: &str) -> anyhow::Result<String> {
        let proxy = self.link(&(CLIENTS.to_owned(), service.to_owned()))?;
        Ok(format!("http://127.0.0.1:{}", proxy.port()))
    }

    fn service(&self, name: &str) -> anyhow::Result<&Mutex<Process>> {
        self.services.get(name).with_context(|| format!("there is no service {name}"))
    }

    fn server(&self, name: &str) -> anyhow::Result<&Mutex<Servers>> {
        self.servers.get(name).with_context(|| format!("there is no server {name}"))
    }

    /// SIGKILL: no chance to say or write anything.
    pub(crate) async fn kill_service(&self, name: &str) -> anyhow::Result<()> {
        let mut process = self.service(name)?.lock().await;
        if let Some(child) = &mut process.child {
            child.kill().await?;
        }
        Ok(())
    }

    /// Starts a service that does not run, on the port that is its own.
    pub(crate) async fn start_service(&self, name: &str) -> anyhow::Result<()> {
        let mut process = self.service(name)?.lock().await;
        if let Some(child) = &mut process.child
            && child.try_wait()?.is_none()
        {
            return Ok(());
        }
        let child = self.spawn(name, name, &process.environment)?;
        process.child = Some(child);
        Ok(())
    }

    fn spawn(&self, name: &str, told_in: &str, environment: &[(String, String)]) -> anyhow::Result<Child> {
        let path = self.folder.join(format!("{told_in}.log"));
        let told = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
        // Whatever becomes of the trial, no service stays behind.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.twofold);
        command.args(["service", name]).envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(told.try_clone()?).stderr(told).kill_on_drop(true);
        command.spawn().with_context(|| format!("cannot start {name}"))
    }

    /// SIGSTOP or SIGCONT.
    pub(crate) async fn signal_service(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        let process = self.service(name)?.lock().await;
        send(process.child.as_ref().and_then(Child::id), signal)
    }

    /// A signal to a server: `postgres`, `redis`, `kafka`.
    pub(crate) async fn signal_server(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        let mut servers = self.server(name)?.lock().await;
        send(servers.running().first().and_then(Server::id), signal)
    }

    /// Starts a server again that has ended, or is about to, on its data.
    pub(crate) async fn start_server(&self, name: &str) -> anyhow::Result<()> {
        let mut servers = self.server(name)?.lock().await;
        let server = servers.running().first_mut().context("no such server")?;
        let mut tries = 3;
        while let Err(error) = server.start_again().await {
            tries -= 1;
            ensure!(tries > 0, "{name} cannot be started again: {error}");
            sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    /// Waits until a server has ended; false where it still runs after so long.
    pub(crate) async fn server_ends(&self, name: &str, within: Duration) -> anyhow::Result<bool> {
        let mut servers = self.server(name)?.lock().await;
        let server = servers.running().first_mut().context("no such server")?;
        Ok(timeout(within, server.ended()).await.is_ok())
    }

    /// More projectors beside those that there are, on links of theirs; each number is one.
    pub(crate) async fn start_more(&self, name: &str, number: u32) -> anyhow::Result<()> {
        let mut environment = self.service(name)?.lock().await.environment.clone();
        environment.retain(|(variable, _)| variable != "TWOFOLD_LISTEN");
        environment.push(("TWOFOLD_LISTEN".to_owned(), free_address()?.to_string()));
        let child = self.spawn(name, &format!("{name}-{number}"), &environment)?;
        self.extra.lock().await.push(child);
        Ok(())
    }

    /// Ends one of those, by SIGKILL or as one stops a service.
    pub(crate) async fn end_one_more(&self, kill: bool) -> anyhow::Result<()> {
        let Some(mut child) = self.extra.lock().await.pop() else { return Ok(()) };
        if !kill {
            send(child.id(), Signal::TERM)?;
            if timeout(Duration::from_secs(20), child.wait()).await.is_ok() {
                return Ok(());
            }
        }
        child.kill().await?;
        Ok(())
    }

    /// Forgets all that Redis holds.
    pub(crate) async fn empty_redis(&self) -> anyhow::Result<()> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let asked = async {
            let mut redis = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.redis_port)).await?;
            redis.write_all(b"FLUSHALL\r\n").await?;
            let mut answer = [0; 5];
            redis.read_exact(&mut answer).await?;
            anyhow::Ok(answer == *b"+OK\r\n")
        };
        ensure!(timeout(Duration::from_secs(10), asked).await??, "Redis would not be emptied");
        Ok(())
    }

    /// Everything as it should be: links, servers, services. Waits until each service is ready.
    pub(crate) async fn heal(&self) -> anyhow::Result<()> {
        for proxy in self.proxies.values() {
            proxy.heal();
        }
        while !self.extra.lock().await.is_empty() {
            self.end_one_more(true).await?;
        }
        for name in ["redis", "kafka", "postgres"] {
            let _ = self.signal_server(name, Signal::CONT).await;
            if self.server_ends(name, Duration::from_millis(200)).await? {
                self.start_server(name).await?;
            }
        }
        for name in SERVICES {
            let _ = self.signal_service(name, Signal::CONT).await;
            self.start_service(name).await?;
        }
        for name in SERVICES {
            self.wait_until_ready(name).await?;
        }
        Ok(())
    }

    /// Whether a service that should run has ended by itself.
    pub(crate) async fn ended_by_itself(&self) -> Vec<&'static str> {
        let mut ended = Vec::new();
        for (name, process) in &self.services {
            let mut process = process.lock().await;
            if process.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
                ended.push(*name);
            }
        }
        ended
    }

    async fn wait_until_ready(&self, name: &str) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.service(name)?.lock().await.address);
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        let deadline = Instant::now() + READY;
        loop {
            let said = match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            self.start_service(name).await?;
            if Instant::now() >= deadline {
                bail!("{name} is not ready: {said}");
            }
            sleep(PAUSE).await;
        }
    }

    /// What a command of the command line prints, and whether it ended with 0.
    pub(crate) async fn twofold(&self, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
        let mut command = Command::new(&self.twofold);
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        let mut told = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            told.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok((output.status.success(), told))
    }

    /// The same, of one that must succeed.
    pub(crate) async fn told(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let (succeeded, told) = self.twofold(arguments).await?;
        ensure!(succeeded, "twofold {}: {told}", arguments.join(" "));
        Ok(told)
    }

    /// Ends everything.
    pub(crate) async fn stop(self) {
        for child in self.extra.into_inner().iter_mut() {
            let _ = child.kill().await;
        }
        for process in self.services.into_values() {
            if let Some(mut child) = process.into_inner().child {
                let _ = child.kill().await;
            }
        }
        drop(self.proxies);
        for server in self.servers.into_values() {
            server.into_inner().stop().await;
        }
    }
}

fn send(id: Option<u32>, signal: Signal) -> anyhow::Result<()> {
    // No id: it has ended and was waited for, so the id may be another's by now.
    let Some(id) = id.and_then(|id| Pid::from_raw(id.cast_signed())) else { return Ok(()) };
    match kill_process(id, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, claim_port(Port::Free, "service")?).into())
}

async fn create_database(server: &str, name: &str) -> anyhow::Result<()> {
    let pool = sqlx::PgPool::connect(server).await.context("connect to the trial's Postgres")?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await?;
    pool.close().await;
    Ok(())
}
