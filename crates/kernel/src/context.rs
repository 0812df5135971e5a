//! A bounded context: the one place where its commands, views and processes are named.

use crate::{Command, EventSet, Process, View};

/// A bounded context. Registering it here serves every service: commands, topics, projectors.
pub trait Context: 'static {
    /// Lower-case: `catalog`. Part of URLs, topics and tokens.
    const NAME: &'static str;
    /// Everything that can happen in it.
    type Event: EventSet;

    /// Names its commands, views and processes.
    fn register<R: Registry>(registry: &mut R);
}

/// Takes in what a context names; each service keeps what it needs.
pub trait Registry {
    /// A command.
    fn command<C: Command>(&mut self);
    /// A view of the context's events.
    fn view<V: View>(&mut self);
    /// A process that hears the context's events.
    fn process<P: Process>(&mut self) {}
}

/// Visits each of the contexts that a deployment serves.
pub trait ContextVisitor {
    /// One context.
    fn context<C: Context>(&mut self);
}
