//! Bugs that the trial has to find. Nothing of this is in any build that was not made for it; `docs/trial.md`.

/// Whether the build is to have this one.
pub(crate) fn has(bug: &str) -> bool {
    std::env::var("TWOFOLD_SEEDED_BUG").is_ok_and(|awake| awake == bug)
}
