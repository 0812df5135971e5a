//! The processes of a deployment, gathered from its contexts.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use kernel::{Command, Context, ContextVisitor, Process, ReadStore, Registry, View};
use projection::{Projections, Stores};
use read_store::{PostgresRows, StoreError, ViewVersion};
use serde_json::Value;
use sqlx::PgPool;

use crate::engine::{Engine, Engines};
use crate::inbox::{Inbox, SHAPE};
use crate::store::Inputs;

/// A process that is run here.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) inputs: Arc<Inputs>,
}

/// Takes in what contexts register. What is told of a process that nobody registers is a mistake.
pub(crate) struct Gathering {
    settings: BTreeMap<String, Value>,
    inboxes: Projections<Inboxes>,
    served: BTreeMap<&'static str, Served>,
    failed: Option<anyhow::Error>,
}

impl Gathering {
    pub(crate) fn new(settings: BTreeMap<String, Value>, inboxes: Projections<Inboxes>) -> Self {
        Self { settings, inboxes, served: BTreeMap::new(), failed: None }
    }

    /// The processes by name, and what feeds their inboxes.
    pub(crate) fn finish(self) -> anyhow::Result<(BTreeMap<&'static str, Served>, Projections<Inboxes>)> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let Some(unknown) = self.settings.keys().next() {
            anyhow::bail!("TWOFOLD_PROCESS_SETTINGS: there is no process `{unknown}`");
        }
        Ok((self.served, self.inboxes))
    }

    pub(crate) fn add<P: Process>(&mut self, context: &'static str) -> anyhow::Result<()> {
        let settings = match self.settings.remove(P::NAME) {
            Some(told) => serde_json::from_value(told)
                .with_context(|| format!("TWOFOLD_PROCESS_SETTINGS: the settings of `{}`", P::NAME))?,
            None => P::Settings::default(),
        };
        let served = Served {
            engine: Arc::new(Engines::<P>::new(context, settings)),
            inputs: Arc::new(Inputs::of(P::NAME)),
        };
        anyhow::ensure!(self.served.insert(P::NAME, served).is_none(), "{} is registered twice", P::NAME);
        self.inboxes.add::<Inbox<P>>(context);
        Ok(())
    }
}

impl ContextVisitor for Gathering {
    fn context<C: Context>(&mut self) {
        C::register(&mut Of { context: C::NAME, gathering: self });
    }
}

struct Of<'a> {
    context: &'static str,
    gathering: &'a mut Gathering,
}

impl Registry for Of<'_> {
    fn command<C: Command>(&mut self) {}

    fn view<V: View>(&mut self) {}

    fn process<P: Process>(&mut self) {
        if let Err(error) = self.gathering.add::<P>(self.context) {
            self.gathering.failed.get_or_insert(error);
        }
    }
}

/// Where events wait to be heard.
pub(crate) struct Inboxes(pub(crate) PgPool);

impl Stores for Inboxes {
    const KIND: ReadStore = ReadStore::Postgres;
    type Rows = PostgresRows;

    fn rows(&self, view: ViewVersion) -> Result<PostgresRows, StoreError> {
        Ok(PostgresRows::new(self.0.clone(), view, SHAPE))
    }
}
