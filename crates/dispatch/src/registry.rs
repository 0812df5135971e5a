//! Every command of a deployment, by context and name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kernel::{
    Command, Context, ContextVisitor, Decider, ReadStore, Registry, Rejection, SchemaFingerprint, View,
};
use serde_json::Value;

use crate::body::{BodySchema, SchemaError};
use crate::command::{CommandReader, Reader};
use crate::inline::{Inline, InlineFold};
use crate::kind::{Kind, StreamKind};
use crate::telemetry::CommandMeters;

/// A context cannot be served; it is a mistake in the context, found when the service starts.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Two commands, or two contexts, have one name.
    #[error("{0} is registered twice")]
    Twice(String),
    /// Two deciders fold one kind of stream.
    #[error("two deciders fold the streams of {context}/{kind}")]
    TwoDeciders {
        /// The context.
        context: &'static str,
        /// The streams' kind.
        kind: &'static str,
    },
    /// A command's body cannot be judged by its schema.
    #[error("the body of {command}")]
    Body {
        /// The command.
        command: String,
        /// Why.
        source: SchemaError,
    },
    /// An event's Avro schema cannot be read.
    #[error("the events of {command}")]
    Events {
        /// The command whose decider records them.
        command: String,
        /// Why.
        source: wire::SchemaError,
    },
    /// A view's events cannot be read.
    #[error("the events of the view {view}")]
    View {
        /// The view.
        view: &'static str,
        /// Why.
        source: wire::SchemaError,
    },
}

/// The commands that a service accepts.
#[derive(Default)]
pub struct Commands {
    contexts: HashMap<&'static str, HashMap<&'static str, CommandEntry>>,
    schemas: HashMap<SchemaFingerprint, (&'static str, &'static str)>,
    pub(crate) inline: HashMap<&'static str, Vec<Arc<dyn InlineFold>>>,
}

/// One command.
pub struct CommandEntry {
    context: &'static str,
    name: &'static str,
    full_name: String,
    scope: String,
    rejections: &'static [(&'static str, &'static str)],
    pub(crate) secrets: &'static [&'static str],
    pub(crate) reader: Box<dyn Reader>,
    pub(crate) kind: Arc<dyn StreamKind>,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) meters: CommandMeters,
    /// Whether the last unknown stream that this command named had not begun: the next is then taken to be new as
    /// well, and only the append finds out. Saves creators with ids of their own a read.
    pub(crate) meets_new_streams: AtomicBool,
}

/// The kinds of stream of one context, by name.
pub(crate) type Kinds = HashMap<&'static str, Arc<dyn StreamKind>>;

impl Commands {
    /// The commands of the contexts that `visit` shows.
    pub fn of(visit: impl FnOnce(&mut CommandsBuilder)) -> Result<Self, RegistryError> {
        let mut builder = CommandsBuilder { commands: Ok(Self::default()) };
        visit(&mut builder);
        builder.commands
    }

    /// The command with this name.
    pub fn find(&self, context: &str, name: &str) -> Option<&CommandEntry> {
        self.contexts.get(context)?.get(name)
    }

    /// How streams of a kind fold.
    pub(crate) fn kind(&self, context: &str, kind: &str) -> Option<&Arc<dyn StreamKind>> {
        self.contexts.get(context)?.values().next()?.kinds.get(kind)
    }

    /// All commands, in the order of their names.
    pub fn all(&self) -> Vec<&CommandEntry> {
        let mut all: Vec<_> = self.contexts.values().flat_map(HashMap::values).collect();
        all.sort_by_key(|entry| (entry.context, entry.name));
        all
    }

    /// The schemas that events will be written with: fingerprint, event type, text.
    pub fn schemas(&self) -> Vec<(SchemaFingerprint, &'static str, &'static str)> {
        self.schemas
            .iter()
            .map(|(fingerprint, (event_type, json))| (*fingerprint, *event_type, *json))
            .collect()
    }
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.all().iter().map(|entry| &entry.full_name)).finish()
    }
}

impl CommandEntry {
    /// The context.
    pub fn context(&self) -> &'static str {
        self.context
    }

    /// The name: `create-product`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// `catalog/create-product`.
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// What a caller needs to send it: `catalog:write`.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// What it does, in a sentence.
    pub fn description(&self) -> &str {
        self.reader.schema().get("description").and_then(Value::as_str).unwrap_or_default()
    }

    /// The JSON Schema of its body.
    pub fn schema(&self) -> &Value {
        self.reader.schema()
    }

    /// The kind of stream that it writes.
    pub fn stream(&self) -> &'static str {
        self.kind.name()
    }

    /// Codes and sentences with which its context refuses.
    pub fn rejections(&self) -> &'static [(&'static str, &'static str)] {
        self.rejections
    }
}

/// Gathers the commands of the contexts that it is shown.
pub struct CommandsBuilder {
    commands: Result<Commands, RegistryError>,
}

impl ContextVisitor for CommandsBuilder {
    fn context<C: Context>(&mut self) {
        let Ok(commands) = &mut self.commands else { return };
        let mut gathered = ContextCommands::of(C::NAME);
        C::register(&mut gathered);
        if let Err(error) = gathered.into_commands(commands) {
            self.commands = Err(error);
        }
    }
}

struct ContextCommands {
    context: &'static str,
    kinds: Kinds,
    found: Vec<Found>,
    inline: Vec<Arc<dyn InlineFold>>,
    failed: Option<RegistryError>,
}

struct Found {
    name: &'static str,
    scope: &'static str,
    rejections: &'static [(&'static str, &'static str)],
    secrets: &'static [&'static str],
    reader: Box<dyn Reader>,
    kind: Arc<dyn StreamKind>,
}

impl ContextCommands {
    fn of(context: &'static str) -> Self {
        Self { context, kinds: HashMap::new(), found: Vec::new(), inline: Vec::new(), failed: None }
    }

    fn into_commands(self, commands: &mut Commands) -> Result<(), RegistryError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        commands.inline.insert(self.context, self.inline);
        let kinds = Arc::new(self.kinds);
        for (fingerprint, event_type, json) in kinds.values().flat_map(|kind| kind.schemas()) {
            commands.schemas.insert(fingerprint, (event_type, json));
        }
        let mut named = HashMap::with_capacity(self.found.len());
        for Found { name, scope, rejections, secrets, reader, kind } in self.found {
            let full_name = format!("{}/{name}", self.context);
            let entry = CommandEntry {
                context: self.context,
                name,
                scope: format!("{}:{scope}", self.context),
                rejections,
                secrets,
                reader,
                kind,
                kinds: Arc::clone(&kinds),
                meters: CommandMeters::new(self.context, name),
                meets_new_streams: AtomicBool::new(true),
                full_name: full_name.clone(),
            };
            if named.insert(name, entry).is_some() {
                return Err(RegistryError::Twice(full_name));
            }
        }
        match commands.contexts.insert(self.context, named) {
            Some(_) => Err(RegistryError::Twice(self.context.to_owned())),
            None => Ok(()),
        }
    }

    fn kind_of<D: Decider>(&mut self, command: &str) -> Result<Arc<dyn StreamKind>, RegistryError> {
        match self.kinds.entry(D::STREAM) {
            Entry::Occupied(known) if known.get().decider() == std::any::TypeId::of::<D>() => {
                Ok(Arc::clone(known.get()))
            }
            Entry::Occupied(_) => Err(RegistryError::TwoDeciders { context: self.context, kind: D::STREAM }),
            Entry::Vacant(new) => {
                let kind = Kind::<D>::new()
                    .map_err(|source| RegistryError::Events { command: command.to_owned(), source })?;
                Ok(Arc::clone(new.insert(Arc::new(kind))))
            }
        }
    }

    fn found<C: Command>(&mut self) -> Result<Found, RegistryError> {
        let command = format!("{}/{}", self.context, C::NAME);
        let kind = self.kind_of::<C::Decider>(&command)?;
        let schema = BodySchema::of::<C>()
            .map_err(|source| RegistryError::Body { command: command.clone(), source })?;
        let reader = CommandReader::<C>::new(schema)
            .map_err(|source| RegistryError::Events { command: command.clone(), source })?;
        Ok(Found {
            name: C::NAME,
            scope: C::SCOPE,
            rejections: C::Rejection::CODES,
            secrets: C::SECRETS,
            reader: Box::new(reader),
            kind,
        })
    }
}

impl Registry for ContextCommands {
    fn command<C: Command>(&mut self) {
        if self.failed.is_some() {
            return;
        }
        match self.found::<C>() {
            Ok(found) => self.found.push(found),
            Err(error) => self.failed = Some(error),
        }
    }

    fn view<V: View>(&mut self) {
        // Views belong to the read side, but for those that the append itself writes.
        if self.failed.is_some() || !V::STORES.contains(&ReadStore::Inline) {
            return;
        }
        match Inline::<V>::new() {
            Ok(fold) => self.inline.push(Arc::new(fold)),
            Err(source) => self.failed = Some(RegistryError::View { view: V::NAME, source }),
        }
    }
}
