//! How many streams there may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_api::{Problem, ProblemType};
use kernel::TenantId;

use crate::telemetry;

/// The streams of a process, bounded in all and by tenant. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Streams(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: u32,
    most_per_tenant: u32,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: u32,
    by_tenant: HashMap<TenantId, u32>,
}

/// A stream's place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    inner: Arc<Inner>,
    tenant: TenantId,
}

impl Streams {
    pub(crate) fn new(most: u32, most_per_tenant: u32) -> Self {
        Self(Arc::new(Inner { most, most_per_tenant, taken: Mutex::default() }))
    }

    /// A place for a stream of the tenant, or 503.
    pub(crate) fn sit(&self, tenant: &TenantId) -> Result<Seat, Problem> {
        let mut taken = self.0.lock();
        let of_tenant = taken.by_tenant.get(tenant).copied().unwrap_or(0);
        if taken.all >= self.0.most || of_tenant >= self.0.most_per_tenant {
            return Err(Problem::new(ProblemType::Overloaded)
                .detail("as many live streams are open as this service takes on"));
        }
        taken.all += 1;
        taken.by_tenant.insert(tenant.clone(), of_tenant + 1);
        metrics::gauge!(telemetry::LIVE_STREAMS).set(f64::from(taken.all));
        Ok(Seat { inner: Arc::clone(&self.0), tenant: tenant.clone() })
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.inner.lock();
        taken.all -= 1;
        metrics::gauge!(telemetry::LIVE_STREAMS).set(f64::from(taken.all));
        let left = taken.by_tenant.get(&self.tenant).copied().unwrap_or(1) - 1;
        if left == 0 {
            taken.by_tenant.remove(&self.tenant);
        } else {
            taken.by_tenant.insert(self.tenant.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests;
