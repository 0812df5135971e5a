//! The pages behind the `type` URIs.

use super::ProblemType;

/// What each type means and what to do about it; the same file that people read in the repository.
const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/problems.md"));

/// The section about this type: from its heading to the next.
pub(crate) fn page(slug: &str) -> Option<&'static str> {
    ProblemType::ALL.iter().find(|kind| kind.slug() == slug)?;
    sections().find(|section| heading(section) == slug)
}

pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    let mut rest = DOCUMENT.find("\n## ").map_or("", |at| &DOCUMENT[at + 1..]);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find("\n## ").map_or(rest.len(), |at| at + 1);
        let (section, after) = rest.split_at(end);
        rest = after;
        Some(section)
    })
}

pub(super) fn heading(section: &str) -> &str {
    section.strip_prefix("## ").unwrap_or(section).lines().next().unwrap_or_default().trim()
}
