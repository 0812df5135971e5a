//! Given / when / then: the business tested as rules, with no runtime and no mocks.

mod decider_form;
mod process_form;
mod view_form;

use uuid::Uuid;

use crate::{Actor, EventMetadata, Sequence};

pub use decider_form::{DeciderCase, Outcome, given, given_nothing};
pub use process_form::{ProcessCase, process};
pub use view_form::{ViewCase, history};

fn metadata(sequence: Sequence) -> EventMetadata {
    let command = Uuid::from_u128(1 << 64 | u128::from(sequence.number()));
    EventMetadata::from_outside(command, Actor::new("tester"))
}
