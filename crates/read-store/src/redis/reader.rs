//! Reading rows from Redis, for queries.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use kernel::{Lane, Sequence, TenantId};
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::connection::RedisConnection;
use super::keys::{LaneKeys, parse_row, sequence_of, tenant_lane_key};
use crate::waiting::{Place, Positions, Waits};
use crate::{ReadError, ReadRow, StampedRow, StoreError};

/// Tenants whose lanes are remembered, at about 100 bytes each. A lane never changes, so entries do not age.
const LANES_REMEMBERED: usize = 50_000;
/// How often a version may switch under one read before it gives up.
const TRIES: usize = 5;

/// Reads the serving versions of views. Clones share everything.
#[derive(Debug, Clone)]
pub struct RedisReader {
    inner: Arc<Inner>,
    lanes: Arc<Cache<TenantId, Lane>>,
    waits: Waits<Arc<Inner>>,
}

#[derive(Debug)]
struct Inner {
    connection: RedisConnection,
    prefix: String,
    /// The version that each lane served when it was last read: lets one command fetch the marker, the checkpoint
    /// and the row together, and is checked against the marker each time. As large as views times lanes.
    serving: RwLock<HashMap<Place, u32>>,
}

impl RedisReader {
    /// Reads from the Redis at `url`, whose keys begin with `prefix`. Connects when first used: a Redis that is not
    /// there is [`ReadError::Away`].
    pub fn new(url: &str, prefix: &str) -> Result<Self, StoreError> {
        let connection = RedisConnection::new(url)?;
        let inner = Arc::new(Inner { connection, prefix: prefix.to_owned(), serving: RwLock::default() });
        let waits = Waits::new("redis", Arc::clone(&inner));
        Ok(Self { inner, lanes: Arc::new(Cache::new(LANES_REMEMBERED)), waits })
    }

    /// The lane that a tenant lives in; none where this Redis does not know it (another store may).
    pub async fn lane_of(&self, tenant: &TenantId) -> Result<Option<Lane>, ReadError> {
        if let Some(lane) = self.lanes.get(tenant) {
            return Ok(Some(lane));
        }
        let key = tenant_lane_key(&self.inner.prefix, tenant);
        let lane: Option<u16> = self.inner.connection.query(redis::cmd("GET").arg(key)).await?;
        let Some(lane) = lane.map(Lane::new) else { return Ok(None) };
        self.lanes.insert(tenant.clone(), lane);
        Ok(Some(lane))
    }

    /// A row by its key, with what it reflects, in one command. `lane` is the tenant's.
    pub async fn row(
        &self,
        view: &str,
        lane: Lane,
        tenant: &TenantId,
        key: &str,
    ) -> Result<ReadRow, ReadError> {
        let place = Place { view: view.into(), lane };
        let keys = LaneKeys::new(&self.inner.prefix, view, lane);
        let further = |version| {
            let parked = keys.parked_row(version, tenant, key);
            vec![keys.row_of(version, tenant, key), parked, keys.parked_tenant(version, tenant)]
        };
        let (reflects, mut values) = self.inner.read(&place, &keys, further).await?;
        let mut parked = None;
        for since in values.drain(1..).flatten() {
            let since = since.parse().map_err(|_| ReadError::Corrupt("what is parked".to_owned()))?;
            parked = Some(parked.map_or(since, |earlier: u64| earlier.min(since)));
        }
        let row = match values.pop().flatten() {
            None => None,
            Some(value) => {
                let (stamp, body) = parse_row(value).ok_or_else(|| ReadError::Corrupt("a row".to_owned()))?;
                Some(StampedRow { stamp, body })
            }
        };
        Ok(ReadRow { row, reflects, parked: parked.map(Sequence::new) })
    }

    /// What the serving version of a view reflects of a lane.
    pub async fn reflects(&self, view: &str, lane: Lane) -> Result<Sequence, ReadError> {
        let place = Place { view: view.into(), lane };
        let keys = LaneKeys::new(&self.inner.prefix, view, lane);
        Ok(self.inner.read(&place, &keys, |_| Vec::new()).await?.0)
    }

    /// Waits until a lane of a view reflects `sequence`; false where it does not by `deadline`.
    pub async fn wait_until(
        &self,
        view: &str,
        lane: Lane,
        sequence: Sequence,
        deadline: Instant,
    ) -> Result<bool, ReadError> {
        self.waits.wait_until(view, lane, sequence, deadline).await
    }
}

impl Inner {
    /// Marker, checkpoint and, where wanted, further keys, as of one moment.
    async fn read(
        &self,
        place: &Place,
        keys: &LaneKeys,
        further: impl Fn(u32) -> Vec<String>,
    ) -> Result<(Sequence, Vec<Option<String>>), ReadError> {
        let mut version = self.known(place);
        for _ in 0..TRIES {
            let mut command = redis::cmd("MGET");
            command.arg(keys.serving()).arg(keys.checkpoint(version));
            command.arg(further(version));
            let mut found: Vec<Option<String>> = self.connection.query(&command).await?;
            let values = found.split_off(found.len().min(2));
            let checkpoint = found.pop().flatten();
            let serving = self.serving(place, found.pop().flatten())?;
            if serving == version {
                return Ok((reached(checkpoint)?, values));
            }
            version = serving;
        }
        Err(ReadError::Away("its versions switch too fast".to_owned()))
    }

    fn known(&self, place: &Place) -> u32 {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).get(place).copied().unwrap_or(1)
    }

    /// The version that the marker names, remembered for the next read.
    fn serving(&self, place: &Place, marker: Option<String>) -> Result<u32, ReadError> {
        let marker = marker.ok_or_else(|| ReadError::Away("the lane is not complete in redis".to_owned()))?;
        let version = marker.parse().map_err(|_| ReadError::Corrupt("a serving marker".to_owned()))?;
        if self.known(place) != version {
            self.serving.write().unwrap_or_else(PoisonError::into_inner).insert(place.clone(), version);
        }
        Ok(version)
    }

    fn reached_by(
        &self,
        place: &Place,
        version: u32,
        marker: Option<String>,
        checkpoint: Option<String>,
    ) -> Result<Option<Sequence>, ReadError> {
        if self.serving(place, marker)? == version { reached(checkpoint).map(Some) } else { Ok(None) }
    }
}

fn reached(checkpoint: Option<String>) -> Result<Sequence, ReadError> {
    let checkpoint = checkpoint.ok_or_else(|| ReadError::Away("redis lost a checkpoint".to_owned()))?;
    sequence_of(&checkpoint).ok_or_else(|| ReadError::Corrupt("a checkpoint".to_owned()))
}

impl Positions for Arc<Inner> {
    async fn of(&self, places: &[Place]) -> Result<Vec<Result<Sequence, ReadError>>, ReadError> {
        let mut pipeline = redis::pipe();
        let versions: Vec<u32> = places.iter().map(|place| self.known(place)).collect();
        for (place, version) in places.iter().zip(&versions) {
            let keys = LaneKeys::new(&self.prefix, &place.view, place.lane);
            pipeline.cmd("MGET").arg(keys.serving()).arg(keys.checkpoint(*version));
        }
        let found: Vec<(Option<String>, Option<String>)> = self.connection.pipeline(&pipeline).await?;
        let mut positions = Vec::with_capacity(places.len());
        for ((place, version), (marker, checkpoint)) in places.iter().zip(versions).zip(found) {
            // A version that has just switched is read with the next poll.
            let reached = self.reached_by(place, version, marker, checkpoint);
            positions.push(reached.map(Option::unwrap_or_default));
        }
        Ok(positions)
    }
}
