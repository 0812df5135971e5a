use kernel::{Command, Context, EventSet, Registry, View};

use super::*;

#[derive(Default)]
struct Names {
    commands: Vec<(&'static str, &'static str)>,
    views: Vec<&'static str>,
}

impl Registry for Names {
    fn command<C: Command>(&mut self) {
        self.commands.push((C::NAME, C::SCOPE));
    }

    fn view<V: View>(&mut self) {
        self.views.push(V::NAME);
    }
}

fn names() -> Names {
    let mut names = Names::default();
    Orders::register(&mut names);
    names
}

#[test]
fn orders_take_these_commands_and_what_only_the_fulfilment_may_say_has_its_scope() {
    assert_eq!(
        names().commands,
        [
            ("create-order", "write"),
            ("cancel-order", "write"),
            ("mark-shipped", "write"),
            ("mark-delivered", "write"),
            ("confirm-order", "fulfil"),
            ("reject-order", "fulfil"),
            ("request-payment", "fulfil"),
            ("authorise-payment", "write"),
            ("decline-payment", "write"),
            ("capture-payment", "write"),
            ("refund-payment", "write"),
            ("reverse-payment", "fulfil"),
        ]
    );
}

#[test]
fn orders_have_these_views() {
    assert_eq!(names().views, ["order-details", "order-list", "customer-history", "revenue"]);
}

#[test]
fn every_event_has_a_schema_of_its_name() {
    let schemas = <OrdersEvent as EventSet>::SCHEMAS;
    assert_eq!(schemas.len(), 12);
    for (name, json) in schemas {
        let schema: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!((&schema["name"], &schema["namespace"]), (&(*name).into(), &"twofold.orders".into()));
    }
}
