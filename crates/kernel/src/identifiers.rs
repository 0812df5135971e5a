//! Names of things: tenants, streams, events, and whoever asked.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be 1 to {longest} characters of {allowed}")]
pub struct InvalidIdentifier {
    what: &'static str,
    longest: usize,
    allowed: &'static str,
}

/// A tenant: the boundary that no read and no write crosses.
///
/// 1 to 64 characters of `A-Z a-z 0-9 . _ -`, so that it can stand in keys, topics' record keys and URLs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The longest tenant name, in characters.
    pub const LONGEST: usize = 64;

    /// Takes a name that keeps the rule above.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidIdentifier> {
        let name = name.as_ref();
        let well_formed = (1..=Self::LONGEST).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if !well_formed {
            return Err(InvalidIdentifier {
                what: "a tenant",
                longest: Self::LONGEST,
                allowed: "A-Z a-z 0-9 . _ -",
            });
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidIdentifier;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.as_str().to_owned()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TenantId({})", self.0)
    }
}

/// The name of one stream within a tenant and context: the decider's kind and an id, `product-0197…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The longest stream name, in bytes.
    pub const LONGEST: usize = 200;

    /// The stream of `kind` with this id. `kind` is a decider's `STREAM`: one lower-case word.
    pub fn of(kind: &'static str, id: Uuid) -> Self {
        Self(named(kind, id).into())
    }

    /// The stream of `kind` with this id, one of those that belong to `owner`: `expense-<owner>.<id>`. All of them
    /// are a [`StreamFamily`].
    pub fn within(kind: &'static str, owner: Uuid, id: Uuid) -> Self {
        let mut name = named(kind, owner);
        name.push('.');
        name.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        Self(name.into())
    }

    /// Takes a name that was read from outside.
    pub fn parse(name: &str) -> Result<Self, InvalidIdentifier> {
        let well_formed = name.len() <= Self::LONGEST
            && name.split_once('-').is_some_and(|(kind, id)| !kind.is_empty() && !id.is_empty())
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'*'));
        if !well_formed {
            return Err(InvalidIdentifier {
                what: "a stream",
                longest: Self::LONGEST,
                allowed: "the form kind-id",
            });
        }
        Ok(Self(name.into()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The decider's kind: what stands before the first `-`.
    pub fn kind(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(kind, _)| kind)
    }

    /// The id, where it is a UUID; of a stream that belongs to something, its own and not the owner's.
    pub fn id(&self) -> Option<Uuid> {
        let (_, id) = self.0.split_once('-')?;
        id.split_once('.').map_or(id, |(_, id)| id).parse().ok()
    }
}

fn named(kind: &'static str, id: Uuid) -> String {
    debug_assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase()), "a stream kind is one lower-case word");
    let mut buffer = Uuid::encode_buffer();
    let id = id.hyphenated().encode_lower(&mut buffer);
    // Room for the id of a stream that belongs to this one.
    let mut name = String::with_capacity(kind.len() + 2 * (1 + id.len()));
    name.push_str(kind);
    name.push('-');
    name.push_str(id);
    name
}

/// All streams of one kind that belong to one thing, like the expenses of a group; written `expense-<owner>.*`.
///
/// Read together they are like one stream, whose version is how many events all of them have.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamFamily(Arc<str>);

impl StreamFamily {
    /// What the name of a family ends in, and that of no stream.
    const MARK: &'static str = ".*";

    /// The streams of `kind` that belong to `owner`.
    pub fn of(kind: &'static str, owner: Uuid) -> Self {
        let mut name = named(kind, owner);
        name.push_str(Self::MARK);
        Self(name.into())
    }

    /// Takes a name that was read from outside; `None` where it is no family's.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(Self::MARK)?;
        let (kind, owner) = stem.split_once('-')?;
        let well_formed = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase());
        (well_formed && owner.parse::<Uuid>().is_ok()).then(|| Self(name.into()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The decider's kind.
    pub fn kind(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(kind, _)| kind)
    }

    /// What the names of its streams begin with, and no others.
    pub fn prefix(&self) -> &str {
        self.0.strip_suffix('*').unwrap_or(&self.0)
    }

    /// Its name where a stream's is expected: in what a decision stands on. No stream has such a name.
    pub fn name(&self) -> StreamName {
        StreamName(Arc::clone(&self.0))
    }

    /// The family that has this name; `None` where it is a stream's.
    pub fn named(name: &StreamName) -> Option<Self> {
        name.0.ends_with(Self::MARK).then(|| Self(Arc::clone(&name.0)))
    }

    /// The family that a stream is of, where it belongs to something.
    pub fn holding(stream: &StreamName) -> Option<Self> {
        let (owner, _) = stream.as_str().split_once('.')?;
        Some(Self(format!("{owner}{}", Self::MARK).into()))
    }

    /// Whether the stream is one of them.
    pub fn holds(&self, stream: &StreamName) -> bool {
        stream.as_str().starts_with(self.prefix())
    }
}

impl fmt::Display for StreamFamily {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for StreamFamily {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StreamFamily({})", self.0)
    }
}

impl TryFrom<String> for StreamName {
    type Error = InvalidIdentifier;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name)
    }
}

impl From<StreamName> for String {
    fn from(stream: StreamName) -> Self {
        stream.as_str().to_owned()
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StreamName({})", self.0)
    }
}

/// The id of one event, unique for ever; a repeat of the event carries the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Who asked: the subject of the token, at most 200 bytes of it, control characters replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Actor(Arc<str>);

impl Actor {
    /// The longest actor that is kept, in bytes.
    pub const LONGEST: usize = 200;

    /// Takes a subject, shortened and cleaned so that it can stand in a header.
    pub fn new(subject: &str) -> Self {
        let mut clean: String =
            subject.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        if clean.len() > Self::LONGEST {
            let cut = (0..=Self::LONGEST).rev().find(|&at| clean.is_char_boundary(at)).unwrap_or(0);
            clean.truncate(cut);
        }
        Self(clean.into())
    }

    /// The subject.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Actor {
    fn from(subject: String) -> Self {
        Self::new(&subject)
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests;
