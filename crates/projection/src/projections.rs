//! All projections of a process: each view, of the contexts that are served, that lives in its kind of store.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kernel::{Context, ContextVisitor, ReadStore, Registry, View};
use messaging::{Connection, MessagingError, Topics};
use read_store::{RowStore, StoreError, ViewVersion};
use service_runtime::Health;
use service_runtime::config::{
    ExposeSecret, KafkaConfig, KafkaSecurityError, ParkingConfig, RegistryConfig, TrustConfig, TrustError,
};
use tokio_util::sync::CancellationToken;
use wire::{RegistryClient, RegistryError, SchemaError};

use crate::keeper::Keeper;
use crate::log_source::{LogSource, LogSourceError};
use crate::overview::Tells;
use crate::projector::{Building, Limits, Source};
use crate::room::Room;
use crate::view::AnyView;

/// How long a look at a topic may take while Kafka is away.
const LOOK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// What becomes of builds that were replaced.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct BuildsConfig {
    /// For how many hours a build that was replaced, or given up, is kept: as long as it can be gone back to. It takes
    /// its room in the store and is fed all the while.
    #[arg(long, env = "TWOFOLD_BUILD_RETENTION_HOURS", default_value_t = 24, value_name = "HOURS")]
    pub build_retention_hours: u32,
    /// Memory for the rows of all views that are being built at a time, in MiB: what fits in is written once. Where
    /// there is more, rows are written and read again, which is slower.
    #[arg(long, env = "TWOFOLD_BUILD_MEMORY", default_value_t = 256, value_name = "MIB")]
    pub build_memory: u32,
    /// A build is written at least this often. As many seconds of it are done again after a crash.
    #[arg(long, env = "TWOFOLD_BUILD_WRITTEN_EVERY", default_value_t = 60, value_name = "SECONDS")]
    pub build_written_every: u32,
    /// What is done about a view whose fold changed while its `VERSION` did not.
    #[arg(long, env = "TWOFOLD_ON_CHANGED_VIEW", value_enum, default_value_t, value_name = "WHAT")]
    pub on_changed_view: OnChangedView,
}

/// What is done about a view whose fold is not the one that folded its rows, though its `VERSION` is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnChangedView {
    /// A build is begun beside the one that is read, as with a raised `VERSION`.
    #[default]
    Rebuild,
    /// The view is not kept, and the projector is not ready, until the `VERSION` is raised or a build is asked for.
    Refuse,
}

impl Default for BuildsConfig {
    fn default() -> Self {
        Self {
            build_retention_hours: 24,
            build_memory: 256,
            build_written_every: 60,
            on_changed_view: OnChangedView::default(),
        }
    }
}

impl BuildsConfig {
    /// For how long.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(3600 * u64::from(self.build_retention_hours))
    }

    fn building(&self) -> Building {
        Building {
            room: Room::of_mebibytes(self.build_memory),
            written_every: Duration::from_secs(u64::from(self.build_written_every)),
            on_changed_view: self.on_changed_view,
        }
    }
}

/// Makes the store of each view.
pub trait Stores {
    /// The kind of store; views that live elsewhere are passed over.
    const KIND: ReadStore;
    /// What it makes.
    type Rows: RowStore;
    /// The rows of a view.
    fn rows(&self, view: ViewVersion) -> Result<Self::Rows, StoreError>;
}

/// A wrong setting, or a program whose schemas do not parse: waiting does not help.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Kafka's settings.
    #[error(transparent)]
    Kafka(#[from] MessagingError),
    /// How Kafka is to be spoken to.
    #[error(transparent)]
    Security(#[from] KafkaSecurityError),
    /// Whom to believe.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The registry's URL.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The command-service's URL.
    #[error(transparent)]
    Log(#[from] LogSourceError),
    /// The store's URL.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A context's schemas.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

impl Source {
    /// From configuration. Nothing need be up.
    pub fn new(
        kafka: &KafkaConfig,
        registry: &RegistryConfig,
        trust: &TrustConfig,
        log: LogSource,
        parking: &ParkingConfig,
        builds: &BuildsConfig,
    ) -> Result<Self, SetupError> {
        let connection = Connection { brokers: kafka.brokers.clone(), properties: kafka.all_properties()? };
        Ok(Self {
            topics: Topics::new(&connection, LOOK_TIMEOUT)?,
            connection,
            registry: RegistryClient::over(trust.http_client()?, registry.url.expose_secret())?,
            log,
            prefix: kafka.topic_prefix.clone(),
            groups: kafka.topic_prefix.clone(),
            limits: Limits::default(),
            building: builds.building(),
            park_after: parking.park_after,
            replication: kafka.replication,
        })
    }
}

/// Keeps a view until the token is cancelled.
pub type Run = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// Projections that wait to be run. Shown contexts, it takes in their views.
pub struct Projections<S> {
    source: Source,
    stores: S,
    health: Health,
    retention: Duration,
    taken: Result<Vec<(&'static str, Run)>, SetupError>,
    tellers: Vec<Arc<dyn Tells>>,
}

impl<S: Stores> Projections<S> {
    /// None yet.
    /// A build that was replaced is kept for `retention`.
    pub fn new(source: Source, stores: S, health: Health, retention: Duration) -> Self {
        Self { source, stores, health, retention, taken: Ok(Vec::new()), tellers: Vec::new() }
    }

    /// What tells how each of them stands.
    pub(crate) fn tellers(&self) -> Vec<Arc<dyn Tells>> {
        self.tellers.clone()
    }

    /// The views' names, each with what keeps it until its token is cancelled.
    pub fn into_runs(self) -> Result<Vec<(&'static str, Run)>, SetupError> {
        self.taken
    }

    /// Takes in a view of this context, whatever stores it names.
    pub fn add<V: View>(&mut self, context: &'static str) {
        let keeper = self.keeper::<V>(context);
        match (&mut self.taken, keeper) {
            (Ok(taken), Ok(keeper)) => {
                self.tellers.push(Arc::new(keeper.teller()));
                let run: Run = Box::new(move |token| Box::pin(keeper.run(token)));
                taken.push((V::NAME, run));
            }
            (taken @ Ok(_), Err(error)) => *taken = Err(error),
            (Err(_), _) => {}
        }
    }

    fn keeper<V: View>(&self, context: &'static str) -> Result<Keeper<S::Rows>, SetupError> {
        let rows = self.stores.rows(ViewVersion::of::<V>(context))?;
        Ok(Keeper::new(AnyView::of::<V>()?, self.source.clone(), rows, &self.health, self.retention))
    }
}

impl<S: Stores> ContextVisitor for Projections<S> {
    fn context<C: Context>(&mut self) {
        C::register(&mut Views { context: C::NAME, projections: self });
    }
}

struct Views<'a, S> {
    context: &'static str,
    projections: &'a mut Projections<S>,
}

impl<S: Stores> Registry for Views<'_, S> {
    fn command<C: kernel::Command>(&mut self) {}

    fn view<V: View>(&mut self) {
        if V::STORES.contains(&S::KIND) {
            self.projections.add::<V>(self.context);
        }
    }
}
