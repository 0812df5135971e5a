//! A resource that is one row of a view, as it is.

use std::marker::PhantomData;

use http_api::Problem;
use kernel::{Context, LaneToken, Sequence, TenantId, View};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Resource, Seen};
use crate::api::App;
use crate::asked::Asked;
use crate::stores::{Place, Stores};

/// What is said where there is no such row: as of when, and what it lacks.
type Unknown = fn(&LaneToken, Option<Sequence>) -> Problem;

/// A row of a tenant, to be looked at once or watched.
pub(crate) struct LiveRow<V> {
    stores: Stores,
    /// Where the tenant's rows are.
    pub(crate) place: Place,
    tenant: TenantId,
    id: Uuid,
    deadline: Instant,
    unknown: Unknown,
    view: PhantomData<fn() -> V>,
}

impl<V: View> LiveRow<V> {
    /// The caller's row with this id.
    pub(crate) async fn of<C: Context>(
        app: &App,
        asked: &Asked<C>,
        id: Uuid,
        unknown: Unknown,
    ) -> Result<Self, Problem> {
        let place = app.stores.place::<C, V>(asked).await?;
        let (stores, tenant) = (app.stores.clone(), asked.tenant.clone());
        Ok(Self { stores, place, tenant, id, deadline: asked.deadline, unknown, view: PhantomData })
    }
}

impl<V: View> Resource for LiveRow<V> {
    async fn look(&self) -> Result<Seen, Problem> {
        let key = self.id.to_string();
        let found = self.stores.row::<V>(&self.place, &self.tenant, &key, self.deadline).await?;
        let reflects = self.place.log.at(found.reflects);
        let parked = self.place.parked(found.parked)?;
        let row = found.row.ok_or_else(|| (self.unknown)(&reflects, parked))?;
        Ok(Seen { body: row.body, changed: row.stamp, reflects, parked })
    }
}
