//! Orders in the end: final, paid or paid back, and with what is set aside for them.

use std::collections::HashMap;

use super::{ACTOR, Model};
use crate::observed::Observed;
use crate::verdict::{Findings, Rule};

pub(super) fn check(observed: &Observed, model: &Model, findings: &mut Findings) {
    // What confirmed orders want of each product.
    let mut wanted: HashMap<(&str, &str), i64> = HashMap::new();
    for ((tenant, id), order) in &model.orders {
        let is_final = matches!(order.status, "confirmed" | "rejected" | "cancelled");
        findings.look(Rule::Orders, is_final, || format!("the order {id} of {tenant} is {}", order.status));
        let due = if order.status == "confirmed" { order.total } else { 0 };
        let paid = order.captured - order.refunded;
        findings.look(Rule::Orders, paid == due, || {
            format!("the order {id} of {tenant} is {}, and {paid} of {} was paid", order.status, order.total)
        });
        if order.status == "confirmed" {
            for (product, quantity) in &order.items {
                *wanted.entry((tenant, product)).or_default() += quantity;
            }
        }
    }
    // What nobody but the process has set aside.
    let mut held: HashMap<(&str, &str), i64> = HashMap::new();
    for events in
        observed.logs.iter().filter(|((context, _), _)| context == "catalog").map(|(_, events)| events)
    {
        for event in events.iter().filter(|event| event.actor != ACTOR) {
            let sign = match event.event_type.as_str() {
                "StockReserved" => 1,
                "StockReleased" | "StockShipped" => -1,
                _ => continue,
            };
            let product = event.data["product_id"].as_str().unwrap_or_default();
            *held.entry((&event.tenant, product)).or_default() += sign * super::model::pieces(&event.data);
        }
    }
    let products: std::collections::BTreeSet<_> = wanted.keys().chain(held.keys()).copied().collect();
    for of in products {
        let (wanted, held) = (wanted.get(&of).copied(), held.get(&of).copied());
        findings.look(Rule::Orders, wanted.unwrap_or_default() == held.unwrap_or_default(), || {
            format!("of the product {} of {}, {held:?} are set aside for orders of {wanted:?}", of.1, of.0)
        });
    }
}
