//! Versions of things, and conditions on them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use kernel::{LaneToken, StreamVersion};

use super::{from_headers, invalid, optional_from_headers, text};
use crate::Problem;

/// Most tags in one condition.
const MOST_TAGS: usize = 32;

/// A strong entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of a stream at this version: `"3"`. What `If-Match` takes.
    pub fn of_version(version: StreamVersion) -> Self {
        Self(version.to_string())
    }

    /// The tag of an answer that reflects a log up to here: `"catalog/3=1042"`.
    pub fn of_token(token: &LaneToken) -> Self {
        Self(token.to_string())
    }

    /// A tag with this text; characters that may not stand in a tag are left out.
    pub fn of_text(tag: &str) -> Self {
        Self(tag.chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect())
    }

    /// The tag without its quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of the `ETag` header.
    pub fn header_value(&self) -> HeaderValue {
        // Visible ASCII without quotes, in quotes.
        HeaderValue::try_from(format!("\"{}\"", self.0)).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }
}

/// `If-Match` on a command: the version that the stream must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any version, but the stream must have begun.
    Any,
    /// One of these; none of them when the client named only tags that no version has.
    Versions(Vec<StreamVersion>),
}

impl IfMatch {
    /// Reads the header.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        Ok(match conditions(headers, &header::IF_MATCH)? {
            None => None,
            Some(Condition::Any) => Some(Self::Any),
            // Weak tags never match here (RFC 9110, 13.1.1), and other tags are of no version.
            Some(Condition::Tags(tags)) => Some(Self::Versions(
                tags.iter()
                    .filter(|tag| !tag.weak)
                    .filter_map(|tag| canonical_number(&tag.text))
                    .map(StreamVersion::new)
                    .collect(),
            )),
        })
    }

    /// Whether a stream at this version (0: not begun) passes.
    pub fn allows(&self, version: StreamVersion) -> bool {
        match self {
            Self::Any => version > StreamVersion::ZERO,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// `If-None-Match` on a query: the answers that the client has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfNoneMatch(Option<Condition>);

impl IfNoneMatch {
    /// Reads the header.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        conditions(headers, &header::IF_NONE_MATCH).map(Self)
    }

    /// Whether the client has this answer, so that 304 says it all.
    pub fn has(&self, tag: &ETag) -> bool {
        match &self.0 {
            None => false,
            Some(Condition::Any) => true,
            Some(Condition::Tags(tags)) => tags.iter().any(|known| known.text == tag.0),
        }
    }
}

optional_from_headers!(IfMatch);
from_headers!(IfNoneMatch);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Any,
    Tags(Vec<Tag>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    weak: bool,
    text: String,
}

fn conditions(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Condition>, Problem> {
    let mut tags = Vec::new();
    let mut any = false;
    for value in headers.get_all(name) {
        let mut rest = text(name, value)?.trim();
        if rest.is_empty() {
            return Err(invalid(name, "malformed", "is empty"));
        }
        if rest == "*" {
            any = true;
            continue;
        }
        while !rest.is_empty() {
            let (tag, after) = next_tag(rest)
                .ok_or_else(|| invalid(name, "malformed", "must be * or a list of quoted tags"))?;
            if tags.len() == MOST_TAGS {
                return Err(invalid(name, "too-many", "names more than 32 tags"));
            }
            tags.push(tag);
            rest = after;
        }
    }
    Ok(match (any, tags.is_empty()) {
        (true, _) => Some(Condition::Any),
        (false, false) => Some(Condition::Tags(tags)),
        (false, true) => None,
    })
}

/// The tag at the beginning of a list and what follows its comma.
fn next_tag(list: &str) -> Option<(Tag, &str)> {
    let (weak, quoted) = list.strip_prefix("W/").map_or((false, list), |strong| (true, strong));
    let (text, after) = quoted.strip_prefix('"')?.split_once('"')?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let after = after.trim_start();
    let after = if after.is_empty() { after } else { after.strip_prefix(',')?.trim_start() };
    Some((Tag { weak, text: text.to_owned() }, after))
}

/// `"01"` and `"+1"` are not what was given out.
fn canonical_number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}
