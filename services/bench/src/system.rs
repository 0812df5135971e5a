//! The processes under measurement.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http_api::{Claims, mint};
use kernel::TenantId;
use local_servers::{Broker, Home, Port, Servers, Wanted, claim_port};
use service_runtime::config::SecretString;
use tokio::process::{Child, Command};

use crate::connection::{Connection, get};

/// How long a process may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// How long tokens of a run are good.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The key that tokens of a run are signed with; the run and its data end together.
pub(crate) const JWT_SECRET: &str = "a key for one bench run on loopback only";

/// Postgres, Redis and Apache Kafka.
pub(crate) fn everything() -> Wanted {
    Wanted { postgres: Some(Port::Free), redis: Some(Port::Free), broker: Some((Broker::Kafka, Port::Free)) }
}

/// Measures on servers of its own, which are gone afterwards with all that they kept.
pub(crate) async fn on_servers<T>(
    wanted: Wanted,
    measure: impl AsyncFnOnce(&Servers) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let home = Home::throw_away().await?;
    let servers = Servers::start(&home, wanted).await?;
    let measured = Box::pin(measure(&servers)).await;
    servers.stop().await;
    measured
}

/// A process that ends with the bench.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts one service of Twofold with the `twofold` beside this program, and waits until it is ready.
    pub(crate) async fn service(name: &'static str, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut command = Command::new(sibling("twofold")?);
        command.args(["service", name]).envs(environment.iter().copied());
        Self::start(name, command, "/readyz", |command, address| {
            command.env("TWOFOLD_LISTEN", address.to_string());
        })
        .await
    }

    /// Starts the yardstick.
    pub(crate) async fn hand_written(database_url: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("hand-written").env("BENCH_HAND_WRITTEN_URL", database_url);
        Self::start("hand-written", command, "/healthz", |command, address| {
            command.args(["--listen", &address.to_string()]);
        })
        .await
    }

    /// Starts a projector of product details alone; what it has done, its store says.
    pub(crate) fn keep(store: &str, url: &str, brokers: &str, registry: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["keep", "--store", store, "--url", url]);
        command.envs([("TWOFOLD_KAFKA", brokers), ("TWOFOLD_REGISTRY_URL", registry)]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().context("start the projector")?;
        // It listens nowhere.
        Ok(Self { name: "projector", child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) })
    }

    async fn start(
        name: &'static str,
        mut command: Command,
        ready: &str,
        listen: impl FnOnce(&mut Command, SocketAddr),
    ) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, claim_port(Port::Free, name)?));
        listen(&mut command, address);
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        let mut process = Self { name, child, address };
        process.wait_until_ready(ready).await?;
        Ok(process)
    }

    async fn wait_until_ready(&mut self, path: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        let request = get(path, None, "");
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at its start: {status}", self.name);
            }
            if let Ok(mut connection) = Connection::open(self.address).await
                && let Ok(answer) = connection.send(&request).await
                && answer.status == 200
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{} was not ready within {START_DEADLINE:?}", self.name);
    }

    /// Its name and the most memory it has held resident, in MiB.
    pub(crate) fn peak_resident(&self) -> Option<(&'static str, u64)> {
        self.memory("VmHWM:")
    }

    /// Its name and the memory it holds resident now, in MiB.
    pub(crate) fn resident(&self) -> Option<(&'static str, u64)> {
        self.memory("VmRSS:")
    }

    fn memory(&self, what: &str) -> Option<(&'static str, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find(|line| line.starts_with(what))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some((self.name, kib / 1024))
    }

    /// Ends it and waits for its end.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.with_context(|| format!("end {}", self.name))
    }
}

/// Every service of Twofold, each a process, with databases of its own.
#[derive(Debug)]
pub(crate) struct Whole {
    /// Takes commands.
    pub(crate) commands: Process,
    /// Answers queries.
    pub(crate) queries: Process,
    behind: Vec<Process>,
}

impl Whole {
    /// Starts them on these servers and waits until each is ready.
    pub(crate) async fn start(servers: &Servers) -> anyhow::Result<Self> {
        let postgres = servers.postgres.as_deref().context("Postgres was not started")?;
        let log_url = create_database(postgres, "twofold_log").await?;
        let views_url = create_database(postgres, "twofold_views").await?;
        let registry_database = create_database(postgres, "twofold_registry").await?;
        let redis_url = servers.redis.as_deref().context("Redis was not started")?;
        let brokers = servers.kafka.as_deref().context("Kafka was not started")?;
        let mut environment = vec![
            ("TWOFOLD_LOG_URL", log_url.as_str()),
            ("TWOFOLD_VIEWS_URL", &views_url),
            ("TWOFOLD_REGISTRY_DATABASE_URL", &registry_database),
            ("TWOFOLD_REDIS_URL", redis_url),
            ("TWOFOLD_KAFKA", brokers),
            ("TWOFOLD_JWT_SECRET", JWT_SECRET),
            ("TWOFOLD_LOG", "warn"),
        ];
        let registry = Process::service("schema-registry", &environment).await?;
        let registry_url = format!("http://{}", registry.address);
        environment.push(("TWOFOLD_REGISTRY_URL", &registry_url));
        let mut behind = vec![registry];
        let commands = Process::service("command-service", &environment).await?;
        let log_service = format!("http://{}", commands.address);
        environment.push(("TWOFOLD_LOG_SERVICE_URL", &log_service));
        for name in ["relay", "projector-postgres", "projector-redis"] {
            behind.push(Process::service(name, &environment).await?);
        }
        let queries = Process::service("query-service", &environment).await?;
        Ok(Self { commands, queries, behind })
    }

    /// The most memory that each has held resident, in MiB.
    pub(crate) fn peak_resident(&self) -> Vec<(&'static str, u64)> {
        self.processes().filter_map(Process::peak_resident).collect()
    }

    /// The memory that each holds resident now, in MiB.
    pub(crate) fn resident(&self) -> Vec<(&'static str, u64)> {
        self.processes().filter_map(Process::resident).collect()
    }

    /// Where the projectors answer operators.
    pub(crate) fn projectors(&self) -> Vec<SocketAddr> {
        let projectors = self.behind.iter().filter(|process| process.name.starts_with("projector-"));
        projectors.map(|process| process.address).collect()
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        [&self.commands, &self.queries].into_iter().chain(&self.behind)
    }

    /// Ends them.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        for process in [self.queries, self.commands].into_iter().chain(self.behind.into_iter().rev()) {
            process.stop().await?;
        }
        Ok(())
    }
}

/// A program that was built beside this one.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.exists() {
        bail!("{} is not built: run ./scripts/bench, which builds what it measures", path.display());
    }
    Ok(path)
}

/// Makes a database on a server.
pub(crate) async fn create_database(server_url: &str, name: &'static str) -> anyhow::Result<String> {
    let pool = sqlx::PgPool::connect(server_url).await.context("connect to the run's Postgres")?;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await?;
    pool.close().await;
    let (before, _) = server_url.rsplit_once('/').context("the server's URL names no database")?;
    Ok(format!("{before}/{name}"))
}

/// A token for everything in the catalog of one tenant, good for longer than any run.
pub(crate) fn token(tenant: &str) -> anyhow::Result<String> {
    let claims = Claims::new(&TenantId::new(tenant)?, "bench", "catalog:write catalog:read ops", TOKEN_LIFE);
    Ok(mint(&SecretString::from(JWT_SECRET), &claims)?)
}
