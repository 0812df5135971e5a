//! What is done about views that changed.

use clap::Args;

/// What is done about a view whose fold changed while its `VERSION` did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Args)]
pub struct ChangedViewsConfig {
    /// `rebuild`: its rows are built anew, as with a raised `VERSION`. `refuse`: the service is not ready until the
    /// `VERSION` is raised.
    #[arg(long, env = "TWOFOLD_ON_CHANGED_VIEW", value_enum, default_value_t, value_name = "WHAT")]
    pub on_changed_view: OnChangedView,
}

/// What is done about a view whose fold is not the one that folded its rows, though its `VERSION` is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OnChangedView {
    /// Rows are begun beside those that are read, as with a raised `VERSION`.
    #[default]
    Rebuild,
    /// The view is not kept, and the service is not ready, until the `VERSION` is raised or a build is asked for.
    Refuse,
}
