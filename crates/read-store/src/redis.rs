//! Rows in Redis.

mod builds;
mod connection;
mod keys;
mod letters;
mod many;
mod reader;
mod scripts;

use std::sync::Arc;
use std::time::Duration;

use kernel::{Lane, RowKey, TenantId};
use redis::{Cmd, FromRedisValue, Pipeline};

use self::connection::RedisConnection;
use self::keys::{LaneKeys, parse_row, tenant_lane_key};
use self::scripts::{CAUGHT_UP, WRITE};
pub use reader::RedisReader;

use crate::row::StoredRow;
use crate::{
    Advance, Changes, Checkpoint, Code, FoldPage, Letter, Lookup, Many, PageStart, RowAddress, RowChange,
    RowStore, StoreError, ViewVersion,
};

/// Rows that a page of [`RowStore::write_linked`] has at most.
const PAGE: usize = 500;
/// Keys that are looked at for one page of addresses; most may be others'.
const SCANNED: usize = 5_000;

/// The rows of one view version in Redis. The keys of a lane share a hash tag, so that one script writes them.
#[derive(Debug, Clone)]
pub struct RedisRows(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Arc<RedisConnection>,
    prefix: String,
    view: ViewVersion,
    /// What folds the rows.
    code: Code,
}

impl RedisRows {
    /// Rows of `view` in the Redis at `url`, under keys that begin with `prefix`. Connects when first used.
    pub fn new(url: &str, prefix: &str, view: ViewVersion) -> Result<Self, StoreError> {
        let connection = Arc::new(RedisConnection::new(url)?);
        let code = Code { version: view.version, fold: None };
        Ok(Self(Arc::new(Inner { connection, prefix: prefix.to_owned(), view, code })))
    }

    fn keys(&self, lane: Lane) -> LaneKeys {
        LaneKeys::new(&self.0.prefix, self.0.view.view, lane)
    }

    async fn query<T: FromRedisValue + Send + 'static>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.0.connection.query(command).await
    }

    async fn pipeline<T: FromRedisValue + Send + 'static>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, StoreError> {
        self.0.connection.pipeline(pipeline).await
    }

    /// Runs the write script: nothing happens where the lane is not at `advance.from`.
    async fn run_write(
        &self,
        lane: Lane,
        advance: &Advance,
        operations: &Operations,
    ) -> Result<(), StoreError> {
        let mut script = WRITE.prepare_invoke();
        script.key(self.keys(lane).checkpoint(self.0.view.version));
        script.arg(advance.from.to_string()).arg(advance.to.to_string());
        for (key, operation, value) in &operations.0 {
            script.key(key).arg(operation).arg(value);
        }
        let moved: i64 = self.0.connection.script(&script).await?;
        if moved == 1 { Ok(()) } else { Err(StoreError::Moved) }
    }

    fn operations(&self, lane: Lane, changes: &[RowChange]) -> Operations {
        let (keys, version) = (self.keys(lane), self.0.view.version);
        let mut operations = Operations::default();
        for change in changes {
            let row = keys.row(version, &change.at);
            match &change.body {
                Some(body) => operations.add(row, "s", keys::row_value(change.stamp, body)),
                None => operations.add(row, "d", ""),
            }
            let links = if change.body.is_some() { change.links.as_slice() } else { &[] };
            let of = |link| keys.link(version, &change.at.tenant, link);
            for link in change.links_before.iter().filter(|link| !links.contains(link)) {
                operations.add(of(link), "r", change.at.key.as_str());
            }
            for link in links.iter().filter(|link| !change.links_before.contains(link)) {
                operations.add(of(link), "a", change.at.key.as_str());
            }
        }
        operations
    }

    /// The keys of a page of a link's rows, after `after`.
    async fn page(&self, lane: Lane, lookup: &Lookup, after: &str) -> Result<Vec<String>, StoreError> {
        let link = self.keys(lane).link(self.0.view.version, &lookup.tenant, &lookup.link);
        self.query(&range_after(&link, after, PAGE)).await
    }

    async fn load_keys(
        &self,
        lane: Lane,
        tenant: &TenantId,
        keys: &[String],
    ) -> Result<Vec<StoredRow>, StoreError> {
        let wanted: Vec<RowAddress> = keys
            .iter()
            .map(|key| RowAddress { tenant: tenant.clone(), key: RowKey::new(key.as_str()) })
            .collect();
        self.load(lane, &wanted).await
    }

    /// Refuses a Redis that may evict: an evicted row would be indistinguishable from one that never was.
    async fn check_policy(&self) -> Result<(), StoreError> {
        let memory: String = self.query(redis::cmd("INFO").arg("memory")).await?;
        let policy = memory.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
        match policy.map(str::trim) {
            Some("noeviction") => Ok(()),
            Some(other) => Err(StoreError::Misconfigured(format!(
                "redis runs with maxmemory-policy {other}, and rows could vanish: set it to noeviction"
            ))),
            None => Err(StoreError::Misconfigured("redis does not tell its maxmemory-policy".to_owned())),
        }
    }
}

/// What the write script is to do: a key, an operation and its value.
#[derive(Default)]
struct Operations(Vec<(String, &'static str, String)>);

impl Operations {
    fn add(&mut self, key: String, operation: &'static str, value: impl Into<String>) {
        self.0.push((key, operation, value.into()));
    }
}

fn range_after(link: &str, after: &str, most: usize) -> Cmd {
    let mut command = redis::cmd("ZRANGE");
    let from = if after.is_empty() { "-".to_owned() } else { format!("({after}") };
    command.arg(link).arg(from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(most);
    command
}

fn parse_checkpoint(text: &str) -> Result<Checkpoint, StoreError> {
    Checkpoint::parse(text).ok_or_else(|| StoreError::Corrupt("a checkpoint".to_owned()))
}

impl RowStore for RedisRows {
    const NAME: &'static str = "redis";
    const LOOK_EVERY: Duration = Duration::from_millis(500);
    const GATHER: Duration = Duration::from_millis(3);
    const WRITES_MANY_AT_ONCE: bool = false;

    fn view(&self) -> ViewVersion {
        self.0.view
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.check_policy().await?;
        self.note_build().await
    }

    async fn begin(&self, lane: Lane) -> Result<(Checkpoint, bool), StoreError> {
        let keys = self.keys(lane);
        let checkpoint = keys.checkpoint(self.0.view.version);
        let mut look = redis::pipe();
        look.cmd("GET").arg(&checkpoint).cmd("GET").arg(keys.serving());
        let (mut found, mut serving): (Option<String>, Option<u32>) = self.pipeline(&look).await?;
        if found.is_none() {
            // Where a Redis lost everything, that there is such a build is lost too. A lane that goes on all the same
            // may come to be read, and is then to be fed for ever.
            self.note_build().await?;
            let mut pipeline = redis::pipe();
            pipeline.atomic();
            pipeline.cmd("SET").arg(&checkpoint).arg(Checkpoint::ZERO.to_string()).arg("NX").ignore();
            pipeline.cmd("GET").arg(&checkpoint);
            pipeline.cmd("GET").arg(keys.serving());
            (found, serving) = self.pipeline(&pipeline).await?;
        }
        let emptied = || StoreError::Emptied("a checkpoint is gone that was just begun".to_owned());
        Ok((parse_checkpoint(&found.ok_or_else(emptied)?)?, serving == Some(self.0.view.version)))
    }

    async fn checkpoint(&self, lane: Lane) -> Result<Option<Checkpoint>, StoreError> {
        let key = self.keys(lane).checkpoint(self.0.view.version);
        let found: Option<String> = self.query(redis::cmd("GET").arg(key)).await?;
        found.as_deref().map(parse_checkpoint).transpose()
    }

    async fn load(&self, lane: Lane, wanted: &[RowAddress]) -> Result<Vec<StoredRow>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys(lane);
        let mut command = redis::cmd("MGET");
        for at in wanted {
            command.arg(keys.row(self.0.view.version, at));
        }
        let found: Vec<Option<String>> = self.query(&command).await?;
        let mut rows = Vec::with_capacity(found.len());
        for (at, value) in wanted.iter().zip(found) {
            if let Some(value) = value {
                let (stamp, body) =
                    parse_row(value).ok_or_else(|| StoreError::Corrupt("a row".to_owned()))?;
                rows.push(StoredRow { at: at.clone(), stamp, body });
            }
        }
        Ok(rows)
    }

    async fn linked(
        &self,
        lane: Lane,
        wanted: &[Lookup],
        most: usize,
    ) -> Result<Vec<Vec<StoredRow>>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys(lane);
        let mut pipeline = redis::pipe();
        for lookup in wanted {
            let link = keys.link(self.0.view.version, &lookup.tenant, &lookup.link);
            pipeline.add_command(range_after(&link, "", most));
        }
        let pages: Vec<Vec<String>> = self.pipeline(&pipeline).await?;
        let mut rows = Vec::with_capacity(wanted.len());
        for (lookup, page) in wanted.iter().zip(pages) {
            rows.push(self.load_keys(lane, &lookup.tenant, &page).await?);
        }
        Ok(rows)
    }

    async fn addresses(
        &self,
        lane: Lane,
        from: Option<PageStart>,
    ) -> Result<(Vec<RowAddress>, Option<PageStart>), StoreError> {
        let stem = self.keys(lane).row_stem(self.0.view.version);
        let cursor = from.map_or_else(|| "0".to_owned(), |from| from.0);
        let mut command = redis::cmd("SCAN");
        command
            .arg(cursor)
            .arg("MATCH")
            .arg(format!("{}*", keys::literally(&stem)))
            .arg("COUNT")
            .arg(SCANNED);
        let (cursor, found): (String, Vec<String>) = self.query(&command).await?;
        let unreadable = || StoreError::Corrupt("a row's key".to_owned());
        let mut page = Vec::with_capacity(found.len());
        for key in found {
            let (tenant, key) =
                key.strip_prefix(&stem).and_then(|at| at.split_once('/')).ok_or_else(unreadable)?;
            let tenant = TenantId::new(tenant).map_err(|_| unreadable())?;
            page.push(RowAddress { tenant, key: RowKey::new(key) });
        }
        Ok((page, (cursor != "0").then_some(PageStart(cursor))))
    }

    async fn write(
        &self,
        lane: Lane,
        advance: &Advance,
        changes: &[RowChange],
        letters: &[Letter],
    ) -> Result<(), StoreError> {
        let mut operations = self.operations(lane, changes);
        self.keep(lane, letters, &mut operations).await?;
        self.run_write(lane, advance, &operations).await
    }

    async fn write_many(
        &self,
        lane: Lane,
        advance: &Advance,
        rows: Many<impl Changes, impl Changes>,
        letters: &[Letter],
    ) -> Result<(), StoreError> {
        self.write_all(lane, advance, rows, letters).await
    }

    async fn write_linked(
        &self,
        lane: Lane,
        advance: &Advance,
        lookup: &Lookup,
        mut fold: impl FoldPage,
    ) -> Result<(), StoreError> {
        let stay = Advance { from: advance.from, to: advance.from };
        let mut after = String::new();
        loop {
            let page = self.page(lane, lookup, &after).await?;
            let Some(last) = page.last() else { break };
            let folded = fold(self.load_keys(lane, &lookup.tenant, &page).await?)?;
            self.write(lane, &stay, &folded.changes, &folded.letters).await?;
            after.clone_from(last);
        }
        self.write(lane, advance, &[], &[]).await
    }

    async fn settle(&self, lane: Lane, tenants: &[TenantId]) -> Result<(), StoreError> {
        let mut pipeline = redis::pipe();
        for tenant in tenants {
            let key = tenant_lane_key(&self.0.prefix, tenant);
            pipeline.cmd("SET").arg(key).arg(lane.number()).arg("NX").ignore();
        }
        self.pipeline(&pipeline).await
    }

    async fn caught_up(&self, lane: Lane, checkpoint: &Checkpoint) -> Result<bool, StoreError> {
        let keys = self.keys(lane);
        let version = self.0.view.version;
        let mut script = CAUGHT_UP.prepare_invoke();
        script.key(keys.serving()).key(keys.checkpoint(version)).key(keys.retained(version));
        script.arg(version).arg(checkpoint.to_string()).arg(keys.version_stem());
        match self.0.connection.script::<i64>(&script).await? {
            1 => Ok(true),
            0 => Ok(false),
            _ => Err(StoreError::Moved),
        }
    }
}
