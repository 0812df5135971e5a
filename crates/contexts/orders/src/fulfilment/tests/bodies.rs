//! The bodies are those of the commands that they are sent as.

use catalog::{ReleaseStock, ReserveStock, ShipStock};

use super::*;
use crate::{CancelOrder, CapturePayment, ConfirmOrder, RejectOrder, RequestPayment, ReversePayment};

#[test]
fn every_command_is_one_that_its_context_takes() {
    fn read<C: kernel::Command>(command: &Outgoing) -> bool {
        command.name == C::NAME && serde_json::from_value::<C>(command.body.clone()).is_ok()
    }
    let shipped = standing().shipped();
    let timed_out = paying().advance(15 * MINUTES);
    let rejected = placed().refused("reserve-1", "no").done("reserve-2").undone("reserve-2");
    for case in [shipped, timed_out, rejected] {
        for step in &case.instance().steps {
            let undo = step.undo.as_ref().map(|undo| &undo.command);
            for command in std::iter::once(&step.command).chain(undo) {
                let known = match command.context.as_str() {
                    "catalog" => {
                        read::<ReserveStock>(command)
                            || read::<ReleaseStock>(command)
                            || read::<ShipStock>(command)
                    }
                    "orders" => {
                        read::<RequestPayment>(command)
                            || read::<ReversePayment>(command)
                            || read::<CapturePayment>(command)
                            || read::<ConfirmOrder>(command)
                            || read::<RejectOrder>(command)
                            || read::<CancelOrder>(command)
                    }
                    _ => false,
                };
                assert!(known, "{command:?}");
            }
        }
    }
}
