//! Which traces are kept.

use crate::TraceContext;

/// How it is decided, by the names of `OTEL_TRACES_SAMPLER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// All.
    Always,
    /// None.
    Never,
    /// A share of all, by their ids.
    Ratio,
}

/// Decides for what arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// For what arrives without a context; with one too, where the caller is not heard.
    pub sampler: Sampler,
    /// Whether a caller's context decides for itself.
    pub hears_caller: bool,
    /// The share of [`Sampler::Ratio`], from 0 to 1.
    pub ratio: f64,
}

impl Sampling {
    pub(crate) fn takes(&self, parent: Option<&TraceContext>) -> bool {
        if let Some(parent) = parent.filter(|_| self.hears_caller) {
            return parent.is_sampled();
        }
        match self.sampler {
            Sampler::Always => true,
            Sampler::Never => false,
            Sampler::Ratio => self.is_among(parent.map_or_else(|| fastrand::u64(..), TraceContext::low_half)),
        }
    }

    /// The same id is taken by everybody who asks with the same ratio.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of ids needs no last digit, and the cast keeps to the bounds"
    )]
    fn is_among(&self, id: u64) -> bool {
        const IDS: u64 = 1 << 63;
        self.ratio >= 1.0 || id >> 1 < (self.ratio * IDS as f64) as u64
    }
}
