//! The statements. Those about rows carry the name of a view version's table, made from constants of the program;
//! nothing else is ever put into a statement's text.

use std::sync::Arc;

use crate::ViewVersion;

/// `product-search` as a name in Postgres: `product_search`.
pub(super) fn snake(view: &str) -> String {
    view.replace('-', "_")
}

/// The schema of a view version.
pub(super) fn schema(view: &ViewVersion) -> String {
    format!("{}_v{}", snake(view.view), view.version)
}

/// Whether a view's name can stand in a statement.
pub(super) fn is_a_name(view: &str) -> bool {
    (1..=48).contains(&view.len())
        && view.starts_with(|first: char| first.is_ascii_lowercase())
        && view.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Begins a lane at zero where it has no checkpoint; says whether its version serves. Locks nothing that exists.
/// A lane that begins anew has lost its rows: what they lacked comes again, and with it the letters.
pub(super) const BEGIN_LANE: &str = "
    WITH begun AS (
        INSERT INTO checkpoints (view, version, lane, sequence, \"offset\", chain)
        VALUES ($1, $2, $3, 0, 0, decode(repeat('00', 32), 'hex'))
        ON CONFLICT DO NOTHING
        RETURNING 1
    ), forgotten AS (
        DELETE FROM dead_letters
         WHERE view = $1 AND version = $2 AND lane = $3 AND EXISTS (SELECT 1 FROM begun)
    )
    SELECT coalesce((SELECT serving = $2 FROM projections WHERE view = $1), false)";

/// One lane's checkpoint.
pub(super) const CHECKPOINT: &str = "
    SELECT sequence, \"offset\", epoch, chain FROM checkpoints WHERE view = $1 AND version = $2 AND lane = $3";

/// Remembers tenants' lanes. A tenant that is known keeps its lane.
pub(super) const SETTLE: &str = "
    INSERT INTO tenant_lanes (tenant, lane) SELECT tenant, $2 FROM unnest($1::text[]) AS t (tenant)
    ON CONFLICT DO NOTHING";

/// The serving version of a view. Locks the view's row in the tracker: one switch at a time.
pub(super) const LOCK_SERVING: &str = "SELECT serving FROM projections WHERE view = $1 FOR UPDATE";

/// How many lanes of build `$2` are not yet where those of build `$3` are, or, unless `$4`, have not caught up.
/// Places of two histories are not compared: the later history takes the name once it has caught up, and what was read
/// before (`$4`) never takes it back.
pub(super) const LANES_BEHIND: &str = "
    SELECT count(*)
      FROM checkpoints old
      LEFT JOIN checkpoints new ON new.view = old.view AND new.version = $2 AND new.lane = old.lane
     WHERE old.view = $1 AND old.version = $3
       AND CASE WHEN new.epoch <> old.epoch THEN $4 OR NOT new.caught_up
                ELSE coalesce(new.sequence, -1) < old.sequence OR NOT ($4 OR new.caught_up OR old.sequence = 0) END";

/// Notes that a lane has caught up. Locks its checkpoint where it was not noted yet.
pub(super) const MARK_CAUGHT_UP: &str = "
    UPDATE checkpoints SET caught_up = true WHERE view = $1 AND version = $2 AND lane = $3 AND NOT caught_up";

/// Keeps the lanes of a build where they are until the transaction ends; answers how many there are.
pub(super) const HOLD_LANES: &str = "
    SELECT count(*) FROM (SELECT 1 FROM checkpoints WHERE view = $1 AND version = $2 FOR UPDATE) AS held";

/// A row for each lane of each build, and one for a build without any.
pub(super) const TRACKED: &str = "
    SELECT c.sequence, c.\"offset\", c.epoch, c.chain, v.version, coalesce(v.code, v.version), v.state,
           extract(epoch FROM now() - v.changed_at)::bigint, v.throttle, v.trouble, c.lane, v.parallel,
           v.fold
      FROM projection_versions AS v
      LEFT JOIN checkpoints AS c ON c.view = v.view AND c.version = v.version
     WHERE v.view = $1
     ORDER BY v.version, c.lane";

/// The build of code `$2` and fold `$3` that is being built, else the next number.
pub(super) const NEXT_BUILD: &str = "
    SELECT coalesce(
        max(version) FILTER (WHERE coalesce(code, version) = $2 AND state = 'building'
                               AND (fold = $3 OR fold IS NULL OR $3 IS NULL)),
        greatest(max(version) + 1, $2))
      FROM projection_versions WHERE view = $1";

/// Enters a build.
pub(super) const BEGIN_BUILD: &str = "
    INSERT INTO projection_versions (view, version, code, throttle, parallel, fold, state)
    VALUES ($1, $2, $3, $4, $5, $6, 'building')
    ON CONFLICT (view, version) DO UPDATE SET throttle = excluded.throttle, parallel = excluded.parallel";

/// Says of the builds of a version whose fold is not known which one it was.
pub(super) const CLAIM_BUILDS: &str = "
    UPDATE projection_versions SET fold = $3
     WHERE view = $1 AND coalesce(code, version) = $2 AND fold IS NULL AND $3 IS NOT NULL";

/// What folded the builds of a version.
pub(super) const FOLDS: &str = "
    SELECT fold FROM projection_versions WHERE view = $1 AND coalesce(code, version) = $2 ORDER BY version";

/// Gives up a build that is being built.
pub(super) const FAIL: &str = "
    UPDATE projection_versions SET state = 'failed', trouble = $3, changed_at = now()
     WHERE view = $1 AND version = $2 AND state = 'building'";

/// Forgets a build that is neither read nor being built.
pub(super) const FORGET: &str = "
    WITH gone AS (
        SELECT version FROM projection_versions
         WHERE view = $1 AND version = $2 AND state IN ('retained', 'failed') FOR UPDATE
    ), lanes AS (
        DELETE FROM checkpoints WHERE view = $1 AND version IN (SELECT version FROM gone)
    )
    SELECT count(*) FROM gone";

/// The other half of [`FORGET`].
pub(super) const FORGET_BUILD: &str = "DELETE FROM projection_versions WHERE view = $1 AND version = $2";

/// Moves the pointer and both versions' states.
pub(super) const MOVE_SERVING: &str = "
    WITH retained AS (
        UPDATE projection_versions SET state = 'retained', changed_at = now()
         WHERE view = $1 AND state = 'serving' AND version <> $2
        RETURNING 1
    ), pointer AS (
        UPDATE projections SET serving = $2, switched_at = now() WHERE view = $1
    )
    SELECT count(*) FROM retained";

/// The other half of [`MOVE_SERVING`], apart from it so that never two versions serve.
pub(super) const MARK_SERVING: &str = "
    UPDATE projection_versions SET state = 'serving', changed_at = now()
     WHERE view = $1 AND version = $2 AND state <> 'serving'";

/// The statements of one view version's table.
#[derive(Debug)]
pub(super) struct Statements {
    /// Tenants, keys: tenant, key, stamp, body of those that exist. One look-up each, by [`at`].
    pub(super) load: Arc<str>,
    /// Tenants, links, most: as above, and which look-up (from 1) found it. The tenant is no condition that an index
    /// answers: every index of the table begins with it, and only that of the links is to be used.
    pub(super) linked: Arc<str>,
    /// Tenant and key to go on behind, lane: where rows are, [`ADDRESSES`] of them, in their order.
    pub(super) addresses: Arc<str>,
    /// Moves a checkpoint by compare-and-set; affects one row or none. Locks the checkpoint's row.
    pub(super) advance: Arc<str>,
    /// As above, and writes rows only if it was moved; answers how many checkpoints moved.
    pub(super) write: Arc<str>,
    /// Writes rows within a transaction that holds the checkpoint's row.
    pub(super) write_page: Arc<str>,
    /// Takes rows in bulk, in COPY's binary form; none may be there.
    pub(super) copy: Arc<str>,
    /// Opens the cursor `linked`. It sees the rows as they are now, not those that pages write.
    pub(super) open_linked: Arc<str>,
    /// The next page of it.
    pub(super) fetch_linked: Arc<str>,
}

/// Addresses of one page.
pub(super) const ADDRESSES: usize = 5_000;

const ADVANCE: &str = "
    UPDATE checkpoints
       SET sequence = $4, \"offset\" = $5, epoch = $6, chain = $7, updated_at = now()
     WHERE view = $1 AND version = $2 AND lane = $3
       AND sequence = $8 AND \"offset\" = $9 AND epoch IS NOT DISTINCT FROM $10 AND chain = $11";

impl Statements {
    pub(super) fn of(view: &ViewVersion) -> Self {
        let rows = format!("{}.rows", schema(view));
        let load = format!(
            "SELECT found.tenant, found.key, found.stamp, found.body
               FROM unnest($1::text[], $2::text[]) AS wanted (tenant, key)
              CROSS JOIN LATERAL (
                    SELECT r.tenant, r.key, r.stamp, r.row::text AS body
                      FROM {rows} AS r
                     WHERE {}) AS found",
            at("wanted")
        );
        let linked = format!(
            "SELECT found.tenant, found.key, found.stamp, found.body, wanted.number
               FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (tenant, link, number)
              CROSS JOIN LATERAL (
                    SELECT r.tenant, r.key, r.stamp, r.row::text AS body
                      FROM {rows} AS r
                     WHERE r.links @> ARRAY[wanted.link] AND r.tenant || '' = wanted.tenant
                     LIMIT $3) AS found"
        );
        // A tenant at a time, each in the order of the key: nothing is sorted but tenants.
        let addresses = format!(
            "SELECT found.tenant, found.key
               FROM (SELECT tenant FROM tenant_lanes WHERE lane = $3 AND tenant >= $1::text) AS of
              CROSS JOIN LATERAL (
                    SELECT r.tenant, r.key
                      FROM {rows} AS r
                     WHERE r.tenant = of.tenant AND (of.tenant > $1::text OR r.key > $2::text)
                     ORDER BY r.key
                     LIMIT {ADDRESSES}) AS found
              ORDER BY found.tenant, found.key
              LIMIT {ADDRESSES}"
        );
        let write = format!(
            "WITH moved AS ({ADVANCE} RETURNING 1), {}
             SELECT count(*) FROM moved",
            changes(&rows, 12, "EXISTS (SELECT 1 FROM moved)")
        );
        let write_page = format!("WITH {} SELECT 1", changes(&rows, 1, "true"));
        let open_linked = format!(
            "DECLARE linked NO SCROLL CURSOR FOR
             SELECT r.tenant, r.key, r.stamp, r.row::text
               FROM {rows} AS r
              WHERE r.links @> ARRAY[$2::text] AND r.tenant || '' = $1::text"
        );
        Self {
            load: load.into(),
            linked: linked.into(),
            addresses: addresses.into(),
            advance: ADVANCE.into(),
            write: write.into(),
            write_page: write_page.into(),
            copy: format!("COPY {rows} (tenant, key, stamp, row, links) FROM STDIN (FORMAT binary)").into(),
            open_linked: open_linked.into(),
            fetch_linked: format!("FETCH {} FROM linked", super::PAGE).into(),
        }
    }
}

/// The condition that a row `r` is the one at `tenant` and `key` of `place`, by its primary key whatever the planner knows
/// of the table. Equality would do on a table with statistics; on one that was empty when the plan was made, an index like
/// (tenant, created, key) costs the planner the same, and each look-up then reads all that the tenant has. Only the
/// primary key brings this range in this order; the connection sorts nothing that is sorted by half.
fn at(place: &str) -> String {
    format!(
        "(r.tenant, r.key) >= ({place}.tenant, {place}.key) AND (r.tenant, r.key) <= ({place}.tenant, {place}.key)
         ORDER BY r.tenant, r.key LIMIT 1"
    )
}

/// Deletes what is gone and upserts what is kept, under a condition; seven parameters from `first` on.
fn changes(rows: &str, first: usize, condition: &str) -> String {
    let [gone_tenants, gone_keys, tenants, keys, stamps, bodies, links] = std::array::from_fn(|n| first + n);
    format!(
        "gone AS (
             DELETE FROM {rows} AS r
              USING (SELECT found.place
                       FROM unnest(${gone_tenants}::text[], ${gone_keys}::text[]) AS gone (tenant, key)
                      CROSS JOIN LATERAL (SELECT r.ctid AS place FROM {rows} AS r WHERE {}) AS found) AS gone
              WHERE r.ctid = gone.place AND {condition}
         ), kept AS (
             INSERT INTO {rows} AS r (tenant, key, stamp, row, links)
             SELECT k.tenant, k.key, k.stamp, k.body::jsonb, k.links::text[]
               FROM unnest(${tenants}::text[], ${keys}::text[], ${stamps}::bigint[], ${bodies}::text[],
                           ${links}::text[]) AS k (tenant, key, stamp, body, links)
              WHERE {condition}
             ON CONFLICT (tenant, key)
             DO UPDATE SET stamp = excluded.stamp, row = excluded.row, links = excluded.links
         )",
        at("gone")
    )
}
