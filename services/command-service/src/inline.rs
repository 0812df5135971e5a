//! The shapes of inline views' rows.
//!
//! One file `<view>.sql` for each view that is asked by more than its keys; it adds indexes to the table
//! `rows (view_id, tenant_id, stamp, before, key, row)` of the view's version. Every statement can be repeated (the
//! file is run at each start), every index begins with `tenant_id`, and none makes an append slow: rows are written
//! while the log's head is locked.

/// View and SQL.
const SHAPES: &[(&str, &str)] = &[("users", include_str!("inline/users.sql"))];

/// The SQL that shapes a view's rows; empty for a view that is only asked for by its key.
pub(crate) fn shape(view: &str) -> &'static str {
    SHAPES.iter().find(|(name, _)| *name == view).map_or("", |(_, sql)| sql)
}
