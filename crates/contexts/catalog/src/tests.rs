use std::collections::BTreeSet;

use kernel::{Command, Context, EventSet, Registry, View};

use super::*;

#[derive(Default)]
struct Names {
    commands: Vec<&'static str>,
    views: Vec<&'static str>,
}

impl Registry for Names {
    fn command<C: Command>(&mut self) {
        self.commands.push(C::NAME);
    }

    fn view<V: View>(&mut self) {
        self.views.push(V::NAME);
    }
}

fn names() -> Names {
    let mut names = Names::default();
    Catalog::register(&mut names);
    names
}

#[test]
fn the_catalog_takes_these_commands() {
    assert_eq!(
        names().commands,
        [
            "create-category",
            "rename-category",
            "create-product",
            "describe-product",
            "change-price",
            "recategorise-product",
            "discontinue-product",
            "receive-stock",
            "reserve-stock",
            "release-stock",
            "ship-stock",
            "adjust-stock",
            "transfer-stock",
        ]
    );
}

#[test]
fn the_catalog_has_these_views() {
    assert_eq!(names().views, ["product-details", "product-search", "categories", "stock", "product-names"]);
}

#[test]
fn every_event_has_a_name_of_its_own_and_a_documented_schema() {
    let schemas = <CatalogEvent as EventSet>::SCHEMAS;
    let names: BTreeSet<_> = schemas.iter().map(|(name, _)| name).collect();
    assert_eq!((schemas.len(), names.len()), (13, 13));
    for (name, json) in schemas {
        let schema: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(schema["name"], *name);
        assert_eq!(schema["namespace"], "twofold.catalog");
        assert_documented(name, &schema);
    }
}

fn assert_documented(place: &str, schema: &serde_json::Value) {
    assert!(schema["doc"].is_string(), "{place} has no doc");
    for field in schema["fields"].as_array().into_iter().flatten() {
        let place = format!("{place}.{}", field["name"].as_str().unwrap());
        assert!(field["doc"].is_string(), "{place} has no doc");
        for nested in [&field["type"], &field["type"]["items"]] {
            if nested["type"] == "record" {
                assert_documented(&place, nested);
            }
        }
    }
}
