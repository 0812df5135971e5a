//! Rows as a store keeps them: no view's type in sight.

use kernel::{Link, RowKey, Sequence, TenantId};

/// Which row of a view.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowAddress {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its key.
    pub key: RowKey,
}

/// A row as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Which row.
    pub at: RowAddress,
    /// The last event folded into it.
    pub stamp: Sequence,
    /// The JSON text of the view's row.
    pub body: String,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// Which row.
    pub at: RowAddress,
    /// The last event folded into it.
    pub stamp: Sequence,
    /// The JSON text of the view's row; none where there is no row from now on.
    pub body: Option<String>,
    /// By which links it is found from now on.
    pub links: Vec<Link>,
    /// By which links it was found so far, for stores that keep them apart from the row.
    pub links_before: Vec<Link>,
}
