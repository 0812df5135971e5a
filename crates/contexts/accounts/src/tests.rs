use std::collections::BTreeSet;

use kernel::{Command, Context, EventSet, Registry, View};

use super::*;

#[derive(Default)]
struct Names {
    commands: Vec<&'static str>,
    secrets: Vec<(&'static str, &'static str)>,
    views: Vec<&'static str>,
}

impl Registry for Names {
    fn command<C: Command>(&mut self) {
        self.commands.push(C::NAME);
        self.secrets.extend(C::SECRETS.iter().map(|field| (C::NAME, *field)));
    }

    fn view<V: View>(&mut self) {
        self.views.push(V::NAME);
    }
}

fn names() -> Names {
    let mut names = Names::default();
    Accounts::register(&mut names);
    names
}

#[test]
fn the_accounts_take_these_commands() {
    assert_eq!(
        names().commands,
        [
            "register-user",
            "update-profile",
            "change-password",
            "deactivate-user",
            "reactivate-user",
            "suspend-user",
            "publish-post",
            "remove-post",
            "follow-user",
            "unfollow-user",
        ]
    );
}

#[test]
fn passwords_are_kept_out_of_the_hashes_of_once_only_keys() {
    assert_eq!(names().secrets, [("register-user", "password"), ("change-password", "password")]);
}

#[test]
fn the_accounts_have_these_views() {
    assert_eq!(names().views, ["users", "account-statistics", "user-names"]);
}

#[test]
fn every_event_has_a_name_of_its_own_and_a_documented_schema() {
    let schemas = <AccountsEvent as EventSet>::SCHEMAS;
    let names: BTreeSet<_> = schemas.iter().map(|(name, _)| name).collect();
    assert_eq!((schemas.len(), names.len()), (10, 10));
    for (name, json) in schemas {
        let schema: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(schema["name"], *name);
        assert_eq!(schema["namespace"], "twofold.accounts");
        assert!(schema["doc"].is_string(), "{name} has no doc");
        for field in schema["fields"].as_array().unwrap() {
            assert!(field["doc"].is_string(), "{name}.{} has no doc", field["name"]);
        }
    }
}

#[test]
fn no_event_has_room_for_a_password() {
    for (name, json) in <AccountsEvent as EventSet>::SCHEMAS {
        let schema: serde_json::Value = serde_json::from_str(json).unwrap();
        for field in schema["fields"].as_array().unwrap() {
            assert!(!field["name"].as_str().unwrap().contains("password"), "{name}.{}", field["name"]);
        }
    }
}
