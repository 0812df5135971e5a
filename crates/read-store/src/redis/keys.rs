//! The names of keys and the form of values.

use kernel::{Lane, Link, Sequence, TenantId};

use crate::RowAddress;

/// The keys of one lane of a view. They share the hash tag `{<prefix>:<view>:<lane>}`; a tenant's name holds no
/// slash, so no two rows share a key whatever their keys hold.
#[derive(Debug, Clone)]
pub(super) struct LaneKeys(String);

impl LaneKeys {
    pub(super) fn new(prefix: &str, view: &str, lane: Lane) -> Self {
        Self(format!("{{{prefix}:{view}:{lane}}}"))
    }

    /// Which version queries read; there only while the lane can be relied on.
    pub(super) fn serving(&self) -> String {
        format!("{}:serving", self.0)
    }

    /// What the keys of each version begin with, before its number.
    pub(super) fn version_stem(&self) -> String {
        format!("{}:v", self.0)
    }

    /// There where the build was read, and another is read now.
    pub(super) fn retained(&self, version: u32) -> String {
        format!("{}:v{version}:retained", self.0)
    }

    /// What all keys of a build begin with.
    pub(super) fn build_stem(&self, version: u32) -> String {
        format!("{}:v{version}:", self.0)
    }

    pub(super) fn checkpoint(&self, version: u32) -> String {
        format!("{}:v{version}:checkpoint", self.0)
    }

    /// Who writes the build in bulk.
    pub(super) fn writer(&self, version: u32) -> String {
        format!("{}:v{version}:writer", self.0)
    }

    pub(super) fn row(&self, version: u32, at: &RowAddress) -> String {
        self.row_of(version, &at.tenant, at.key.as_str())
    }

    /// What the keys of all rows begin with.
    pub(super) fn row_stem(&self, version: u32) -> String {
        format!("{}:v{version}:row:", self.0)
    }

    pub(super) fn row_of(&self, version: u32, tenant: &TenantId, key: &str) -> String {
        format!("{}{tenant}/{key}", self.row_stem(version))
    }

    /// Letters' names, sorted.
    pub(super) fn letters(&self, version: u32) -> String {
        format!("{}:v{version}:letters", self.0)
    }

    /// The names of those that are still to be told to others.
    pub(super) fn untold_letters(&self, version: u32) -> String {
        format!("{}:v{version}:untold-letters", self.0)
    }

    pub(super) fn letter(&self, version: u32, id: &str) -> String {
        format!("{}:v{version}:letter:{id}", self.0)
    }

    /// The names of the letters that share a subject, sorted.
    pub(super) fn letters_of(&self, version: u32, subject: &str) -> String {
        format!("{}:v{version}:letters-of:{subject}", self.0)
    }

    /// Subject to the sequence of its first letter: all that are parked.
    pub(super) fn parked(&self, version: u32) -> String {
        format!("{}:v{version}:parked", self.0)
    }

    /// There while the row is parked: the sequence of its first letter.
    pub(super) fn parked_row(&self, version: u32, tenant: &TenantId, key: &str) -> String {
        format!("{}:v{version}:parked-row:{tenant}/{key}", self.0)
    }

    /// There while it is not known which rows of the tenant lack events: the sequence of the first.
    pub(super) fn parked_tenant(&self, version: u32, tenant: &TenantId) -> String {
        format!("{}:v{version}:parked-tenant:{tenant}", self.0)
    }

    /// Subject to what is asked for it.
    pub(super) fn requests(&self, version: u32) -> String {
        format!("{}:v{version}:letter-requests", self.0)
    }

    /// What was given up, by whom and why.
    pub(super) fn discarded(&self, version: u32) -> String {
        format!("{}:v{version}:discarded-letters", self.0)
    }

    pub(super) fn link(&self, version: u32, tenant: &TenantId, link: &Link) -> String {
        format!("{}:v{version}:link:{tenant}/{}", self.0, link.as_str())
    }
}

pub(super) fn tenant_lane_key(prefix: &str, tenant: &TenantId) -> String {
    format!("{prefix}:tenant-lane:{tenant}")
}

/// What is known of each build of a view, by its number.
pub(super) fn builds_key(prefix: &str, view: &str) -> String {
    format!("{prefix}:builds:{view}")
}

/// A pattern that matches this text and nothing else.
pub(super) fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The lanes of a view version that have had letters.
pub(super) fn lettered_lanes_key(prefix: &str, view: &str, version: u32) -> String {
    format!("{prefix}:lettered-lanes:{view}:v{version}")
}

/// A row's value: `<stamp> <body>`.
pub(super) fn row_value(stamp: Sequence, body: &str) -> String {
    format!("{stamp} {body}")
}

/// The stamp and the body of a row's value.
pub(super) fn parse_row(mut value: String) -> Option<(Sequence, String)> {
    let space = value.find(' ')?;
    let stamp = value[..space].parse().ok()?;
    value.drain(..=space);
    Some((Sequence::new(stamp), value))
}

/// The sequence that a checkpoint's text begins with.
pub(super) fn sequence_of(checkpoint: &str) -> Option<Sequence> {
    checkpoint.split(' ').next()?.parse().ok().map(Sequence::new)
}
