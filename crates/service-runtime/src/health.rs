//! What a service depends on and whether it has it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The readiness of one service: ready when each of the dependencies is that it cannot do without, and it was not
/// asked to stop.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    dependencies: Mutex<Vec<Dependency>>,
    draining: OnceLock<CancellationToken>,
}

/// One thing that a service cannot do its work without.
#[derive(Debug, Clone)]
pub struct Dependency(Arc<State>);

#[derive(Debug)]
struct State {
    name: &'static str,
    optional: bool,
    ready: AtomicBool,
    why: Mutex<Cow<'static, str>>,
}

/// What `/readyz` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether requests may be sent here.
    pub ready: bool,
    /// Whether the service was asked to stop.
    pub draining: bool,
    /// Each dependency in the order in which it was named.
    pub dependencies: Vec<DependencyReadiness>,
}

/// One dependency in [`Readiness`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DependencyReadiness {
    /// Its name.
    pub name: &'static str,
    /// Whether the service has it.
    pub ready: bool,
    /// Whether requests may be sent here without it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Health {
    /// The health of a service that has named no dependency yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names a dependency; it counts as missing until it is said to be ready. The same name is the same
    /// dependency.
    pub fn dependency(&self, name: &'static str) -> Dependency {
        self.named(name, false)
    }

    /// Names something that the service uses where it has it and can do without: shown, but not waited for.
    pub fn optional(&self, name: &'static str) -> Dependency {
        self.named(name, true)
    }

    fn named(&self, name: &'static str, optional: bool) -> Dependency {
        let mut dependencies = self.0.dependencies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = dependencies.iter().find(|known| known.0.name == name) {
            return known.clone();
        }
        let dependency = Dependency(Arc::new(State {
            name,
            optional,
            ready: AtomicBool::new(false),
            why: Mutex::new(Cow::Borrowed("not tried yet")),
        }));
        dependencies.push(dependency.clone());
        dependency
    }

    /// Makes the service unready as soon as `token` is cancelled, so that load balancers look elsewhere while
    /// it drains. Only the first call counts.
    pub fn unready_when(&self, token: &CancellationToken) {
        let _ = self.0.draining.set(token.clone());
    }

    /// How it stands.
    pub fn readiness(&self) -> Readiness {
        let draining = self.0.draining.get().is_some_and(CancellationToken::is_cancelled);
        let dependencies: Vec<DependencyReadiness> = {
            let known = self.0.dependencies.lock().unwrap_or_else(PoisonError::into_inner);
            known.iter().map(Dependency::readiness).collect()
        };
        let ready =
            !draining && dependencies.iter().all(|dependency| dependency.ready || dependency.optional);
        Readiness { ready, draining, dependencies }
    }
}

impl Dependency {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// It is there. Cheap enough to say after every use.
    pub fn ready(&self) {
        if !self.0.ready.load(Ordering::Relaxed) && !self.0.ready.swap(true, Ordering::Relaxed) {
            info!(dependency = self.0.name, "dependency is ready");
        }
    }

    /// It is not there. `why` is shown to anyone who asks for `/readyz`: no secrets.
    pub fn waiting(&self, why: impl Into<Cow<'static, str>>) {
        let why = why.into();
        if self.0.ready.swap(false, Ordering::Relaxed) {
            warn!(dependency = self.0.name, why = %why, "lost a dependency");
        }
        *self.0.why.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Whether it is there.
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Relaxed)
    }

    fn readiness(&self) -> DependencyReadiness {
        let ready = self.is_ready();
        let why =
            (!ready).then(|| self.0.why.lock().unwrap_or_else(PoisonError::into_inner).clone().into_owned());
        DependencyReadiness { name: self.0.name, ready, optional: self.0.optional, why }
    }
}

#[cfg(test)]
mod tests;
