//! Apache Kafka: one node that is broker and controller, from its published jars.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::child::ready::Ready;
use crate::child::{Launch, as_account, run};
use crate::error::Doing;
use crate::port::claim_port;
use crate::{Home, LocalServerError, Port, Secured, java};

pub(crate) mod jars;

const NAME: &str = "kafka";
const HEAP: &str = "-Xmx512m";
const LOGGING: &str = include_str!("../../../deploy/kafka/log4j2.properties");

/// Whether this machine has all that it takes.
pub(crate) async fn available(home: &Home) -> Result<(), LocalServerError> {
    java::find(home)?;
    jars::resolve(home).await.map(drop)
}

/// Fetches the jars where they are missing, formats the storage where it is new, and says how the broker is
/// started and where it is reached.
pub(crate) async fn prepare(
    home: &Home,
    port: u16,
    secured: Option<&Secured>,
) -> Result<(Launch, String), LocalServerError> {
    let java = java::find(home)?;
    let jars = jars::resolve(home).await?;
    let folder = home.server_folder(NAME)?;
    let properties = folder.join("server.properties");
    let logging = folder.join("log4j2.properties");
    let mut told = settings(&folder, port, claim_port(Port::Free, NAME)?, secured.map(Secured::kafka_port));
    if let Some(secured) = secured {
        told.push_str(&secured.of_kafka(home)?);
    }
    home.write(&properties, &told)?;
    home.write(&logging, LOGGING)?;
    let mut arguments = vec![
        OsString::from(HEAP),
        "-Xms64m".into(),
        "-XX:+UseSerialGC".into(),
        "-XX:+ExitOnOutOfMemoryError".into(),
        "-Djava.awt.headless=true".into(),
        format!("-Dlog4j2.configurationFile={}", logging.display()).into(),
        "-cp".into(),
        jars.join("*").into(),
    ];
    format_once(home, &folder, &java, &arguments, &properties, secured).await?;
    arguments.extend(["kafka.Kafka".into(), properties.into()]);
    let launch = Launch {
        name: NAME,
        program: java,
        arguments,
        folder,
        account: home.as_account().cloned(),
        port,
        stop: Signal::TERM,
        ready: Ready::Kafka,
    };
    Ok((launch, format!("127.0.0.1:{port}")))
}

/// The marker is written last: a kill before it formats what is there once more, which keeps what was formatted.
async fn format_once(
    home: &Home,
    folder: &Path,
    java: &Path,
    arguments: &[OsString],
    properties: &Path,
    secured: Option<&Secured>,
) -> Result<(), LocalServerError> {
    let marker = folder.join("formatted");
    if marker.exists() {
        return Ok(());
    }
    let mut command = as_account(home.as_account(), None, java);
    command.current_dir(folder).args(arguments).arg("-XX:TieredStopAtLevel=1");
    command.args(["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", &cluster_id(), "-c"]);
    command.arg(properties);
    command.args(secured.into_iter().flat_map(Secured::users_of_kafka));
    run("formatting Kafka's storage", command).await?;
    fs::write(&marker, "").doing("write", &marker)
}

/// 16 bytes in URL-safe base64, as Kafka wants its cluster's id; not beginning with `-`, which it refuses.
fn cluster_id() -> String {
    let mut id: String = std::iter::repeat_with(fastrand::alphanumeric).take(21).collect();
    id.push('A');
    id
}

/// One node, so one replica of everything; few partitions of its own topics, so that it starts quickly. Topics
/// are made by whoever owns them, never by a typing mistake.
fn settings(folder: &Path, port: u16, controller: u16, secured: Option<u16>) -> String {
    let data = folder.join("data");
    let (listens, advertised) = match secured {
        Some(secured) => {
            (format!(",SASL_SSL://127.0.0.1:{secured}"), format!(",SASL_SSL://localhost:{secured}"))
        }
        None => (String::new(), String::new()),
    };
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listens}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=16777216
controlled.shutdown.enable=false
",
        data.display()
    )
}
