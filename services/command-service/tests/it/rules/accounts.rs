use serde_json::{Value, json};

use super::Asker;
use crate::harness::new_id;

fn registering(name: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "name": name, "password": "correct horse battery"})
}

#[tokio::test]
async fn every_rule_of_the_accounts_refuses_with_its_code() {
    let mut asker = Asker::of("accounts").await;
    let ann = asker.does("register-user", registering("ann")).await;
    let bob = asker.does("register-user", registering("bob")).await;
    let gone = asker.does("register-user", registering("gone")).await;
    let shut_out = asker.does("register-user", registering("shut.out")).await;
    asker.does("deactivate-user", json!({"user_id": gone})).await;
    asker.does("suspend-user", json!({"user_id": shut_out})).await;
    let post = asker.does("publish-post", json!({"user_id": ann, "title": "On chairs"})).await;

    let nobody = new_id();
    let mut again = registering("other");
    again["user_id"] = json!(ann);
    let rename = |user: &str| json!({"user_id": user, "name": "Anna"});
    let publish = |user: &str| json!({"user_id": user, "title": "On tables"});
    let follow = |user: &str, followed: &str| json!({"user_id": user, "followed_id": followed});
    let password = |user: &str| json!({"user_id": user, "password": "another passphrase"});
    for (name, body, code) in [
        ("register-user", registering("ANN"), "email-taken"),
        ("register-user", registering("gone"), "email-taken"),
        ("register-user", again, "user-exists"),
        ("update-profile", rename(&nobody), "unknown-user"),
        ("update-profile", rename(&gone), "deactivated"),
        ("update-profile", rename(&shut_out), "suspended"),
        ("change-password", password(&nobody), "unknown-user"),
        ("change-password", password(&gone), "deactivated"),
        ("deactivate-user", json!({"user_id": nobody}), "unknown-user"),
        ("deactivate-user", json!({"user_id": shut_out}), "suspended"),
        ("reactivate-user", json!({"user_id": nobody}), "unknown-user"),
        ("suspend-user", json!({"user_id": nobody}), "unknown-user"),
        ("publish-post", publish(&nobody), "unknown-user"),
        ("publish-post", publish(&gone), "deactivated"),
        ("publish-post", publish(&shut_out), "suspended"),
        ("publish-post", json!({"user_id": bob, "post_id": post, "title": "Mine"}), "post-exists"),
        ("remove-post", json!({"user_id": bob, "post_id": post}), "not-the-author"),
        ("remove-post", json!({"user_id": ann, "post_id": nobody}), "unknown-post"),
        ("follow-user", follow(&ann, &ann), "self-follow"),
        ("follow-user", follow(&ann, &nobody), "unknown-user"),
        ("follow-user", follow(&nobody, &ann), "unknown-user"),
        ("follow-user", follow(&ann, &gone), "deactivated"),
        ("follow-user", follow(&shut_out, &ann), "suspended"),
        ("unfollow-user", follow(&ann, &ann), "self-follow"),
    ] {
        asker.is_refused(name, body, code).await;
    }
    let mut short = registering("cat");
    short["password"] = json!("elevenchars");
    asker.is_invalid("register-user", short, &[("password", "too-short")]).await;
    let mut nowhere = registering("cat");
    nowhere["email"] = json!("cat");
    asker.is_invalid("register-user", nowhere, &[("email", "malformed")]).await;
    asker.has_seen_every_rule_but(&[]).await;
}
