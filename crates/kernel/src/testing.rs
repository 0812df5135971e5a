//! Given / when / then: the business tested as rules, with no runtime and no mocks.

mod decider_form;
mod view_form;

pub use decider_form::{DeciderCase, Outcome, given, given_nothing};
pub use view_form::{ViewCase, history};
