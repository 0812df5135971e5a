use reqwest::Method;
use serde_json::json;
use wire::compatibility::Level;
use wire::{RegistryClient, fingerprint};

use crate::interface::registries;

const A: &str = r#"{"name":"a","type":"string"}"#;
const A_AND_B: &str = r#"{"name":"a","type":"string"},{"name":"b","type":["null","long"],"default":null}"#;
const A_AND_C: &str = r#"{"name":"a","type":"string"},{"name":"c","type":"long"}"#;

#[tokio::test]
async fn a_schema_is_found_by_its_id_and_by_its_version() {
    for (registry, _own) in registries().await {
        let (subject, schema) = (registry.subject("t-R"), registry.record(A));
        let id = registry.register(&subject, &schema).await;
        let parsed = |text: &serde_json::Value| fingerprint(text.as_str().unwrap()).unwrap();

        let by_id = registry.get(&format!("/schemas/ids/{id}")).await;
        assert_eq!(parsed(&by_id.body["schema"]), fingerprint(&schema).unwrap());
        assert!(by_id.media_type.starts_with(wire::MEDIA_TYPE));
        for which in ["1", "latest"] {
            let version = registry.get(&format!("/subjects/{subject}/versions/{which}")).await.body;
            assert_eq!(
                (&version["subject"], &version["id"], &version["version"]),
                (&json!(subject), &json!(id), &json!(1))
            );
            assert_eq!(parsed(&version["schema"]), fingerprint(&schema).unwrap());
        }
        let text = registry.get(&format!("/subjects/{subject}/versions/1/schema")).await.body;
        assert_eq!(text["name"], "R");
        let uses = registry.get(&format!("/schemas/ids/{id}/versions")).await;
        uses.says(&json!([{ "subject": subject, "version": 1 }]));
        registry
            .get("/schemas/types")
            .await
            .body
            .as_array()
            .unwrap()
            .iter()
            .find(|kind| *kind == "AVRO")
            .unwrap();
    }
}

#[tokio::test]
async fn versions_count_up_and_a_repeat_is_not_a_version() {
    for (registry, _own) in registries().await {
        let subject = registry.subject("t-R");
        let first = registry.register(&subject, &registry.record(A)).await;
        let second = registry.register(&subject, &registry.record(A_AND_B)).await;
        assert_ne!(first, second);
        assert_eq!(registry.register(&subject, &registry.record(A)).await, first);
        registry.get(&format!("/subjects/{subject}/versions")).await.says(&json!([1, 2]));
        let latest = registry.get(&format!("/subjects/{subject}/versions/latest")).await.body;
        assert_eq!((&latest["id"], &latest["version"]), (&json!(second), &json!(2)));
    }
}

#[tokio::test]
async fn a_schema_has_one_id_under_every_subject_and_however_it_is_written() {
    for (registry, _own) in registries().await {
        let schema = registry.record(A);
        let id = registry.register(&registry.subject("one"), &schema).await;
        let spaced = schema.replace(',', " ,\n ").replace(':', " : ");
        assert_eq!(registry.register(&registry.subject("other"), &spaced).await, id);
        let subjects = registry.get(&format!("/schemas/ids/{id}/subjects")).await.body;
        let mut subjects: Vec<_> = subjects.as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, [registry.subject("one"), registry.subject("other")]);
        let listed = registry.get(&format!("/subjects?subjectPrefix={}", registry.prefix())).await;
        listed.says(&json!([registry.subject("one"), registry.subject("other")]));
    }
}

#[tokio::test]
async fn a_lookup_finds_what_is_registered_and_registers_nothing() {
    for (registry, _own) in registries().await {
        let subject = registry.subject("t-R");
        let path = format!("/subjects/{subject}");
        registry.post(&path, &registry.record(A)).await.refused(404, 40401);
        let id = registry.register(&subject, &registry.record(A)).await;
        let found = registry.post(&path, &registry.record(A)).await.body;
        assert_eq!(
            (&found["subject"], &found["id"], &found["version"]),
            (&json!(subject), &json!(id), &json!(1))
        );
        registry.post(&path, &registry.record(A_AND_B)).await.refused(404, 40403);
        registry.get(&format!("/subjects/{subject}/versions")).await.says(&json!([1]));
    }
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    for (registry, _own) in registries().await {
        let subject = registry.subject("t-R");
        registry.get("/schemas/ids/2147483647").await.refused(404, 40403);
        registry.get(&format!("/subjects/{subject}/versions")).await.refused(404, 40401);
        registry.get(&format!("/subjects/{subject}/versions/latest")).await.refused(404, 40401);
        registry.get(&format!("/config/{subject}")).await.refused(404, 40408);
        registry.register(&subject, &registry.record(A)).await;
        registry.get(&format!("/subjects/{subject}/versions/2")).await.refused(404, 40402);
        registry.get(&format!("/subjects/{subject}/versions/none")).await.refused(422, 42202);
        let versions = format!("/subjects/{subject}/versions");
        for garbage in
            ["", "{", "no", r#"{"type":"record"}"#, r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#]
        {
            registry.post(&versions, garbage).await.refused(422, 42201);
        }
        registry.put_level(&format!("/config/{subject}"), "SOMETIMES").await.refused(422, 42203);
    }
}

#[tokio::test]
async fn a_schema_that_its_level_refuses_is_not_registered() {
    for (registry, _own) in registries().await {
        let subject = registry.subject("t-R");
        registry.register(&subject, &registry.record(A)).await;
        let versions = format!("/subjects/{subject}/versions");
        registry.post(&versions, &registry.record(A_AND_C)).await.refused(409, 409);
        registry.get(&versions).await.says(&json!([1]));
        // A field less is no harm to new readers, which is the level that everybody begins with.
        registry.register(&subject, &registry.record("")).await;

        let config = format!("/config/{subject}");
        registry
            .put_level(&config, "FULL_TRANSITIVE")
            .await
            .says(&json!({ "compatibility": "FULL_TRANSITIVE" }));
        registry.get(&config).await.says(&json!({ "compatibilityLevel": "FULL_TRANSITIVE" }));
        registry.post(&versions, &registry.record(A_AND_B)).await.refused(409, 409);
        registry.put_level(&config, "NONE").await.says(&json!({ "compatibility": "NONE" }));
        registry.register(&subject, &registry.record(A_AND_C)).await;
        registry.ask(Method::DELETE, &config, None).await;
        registry.get(&config).await.refused(404, 40408);
    }
}

#[tokio::test]
async fn compatibility_can_be_asked_for() {
    for (registry, _own) in registries().await {
        let subject = registry.subject("t-R");
        registry.register(&subject, &registry.record(A)).await;
        for (fields, compatible) in [(A_AND_B, true), (A_AND_C, false)] {
            for which in ["/latest", "/1", ""] {
                let path = format!("/compatibility/subjects/{subject}/versions{which}");
                let answer = registry.post(&path, &registry.record(fields)).await;
                assert_eq!(answer.body["is_compatible"], compatible, "{path}");
            }
        }
        let path = format!("/compatibility/subjects/{subject}/versions/latest?verbose=true");
        let why = registry.post(&path, &registry.record(A_AND_C)).await.body;
        assert!(!why["messages"].as_array().unwrap().is_empty());
        let unknown = format!("/compatibility/subjects/{}/versions/latest", registry.subject("unknown"));
        registry.post(&unknown, &registry.record(A)).await.refused(404, 40401);
    }
}

#[tokio::test]
async fn many_that_register_at_once_get_one_id_for_each_schema() {
    for (registry, _own) in registries().await {
        let fields = |n: usize| format!(r#"{{"name":"f{n}","type":"long","default":0}}"#);
        let registrations = (0..40).map(|n| {
            let (registry, schema) = (&registry, registry.record(&fields(n % 5)));
            async move { (n % 5, registry.register(&registry.subject(&format!("s{}", n % 3)), &schema).await) }
        });
        let mut ids = futures::future::join_all(registrations).await;
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 5, "{ids:?}");
        for subject in 0..3 {
            let path = format!("/subjects/{}/versions", registry.subject(&format!("s{subject}")));
            registry.get(&path).await.says(&json!([1, 2, 3, 4, 5]));
        }
    }
}

#[tokio::test]
async fn our_client_speaks_to_it() {
    for (registry, _own) in registries().await {
        let client = RegistryClient::new(&registry.url).unwrap();
        client.check().await.unwrap();
        let (subject, schema) = (registry.subject("t-ü/R"), registry.record(A));
        assert!(client.is_compatible(&subject, &schema).await.unwrap());
        let id = client.register(&subject, &schema).await.unwrap();
        assert_eq!(client.schema_by_id(id).await.unwrap().fingerprint, fingerprint(&schema).unwrap());
        client.set_level(&subject, Level::FullTransitive).await.unwrap();
        assert!(!client.is_compatible(&subject, &registry.record(A_AND_C)).await.unwrap());
        let error = client.register(&subject, &registry.record(A_AND_C)).await.unwrap_err();
        assert!(error.is_incompatible() && !error.is_retryable());
        assert!(client.schema_by_id(i32::MAX.cast_unsigned()).await.unwrap_err().is_not_found());
    }
}
