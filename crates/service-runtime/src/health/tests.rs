use super::*;

#[test]
fn a_service_without_dependencies_is_ready() {
    assert!(Health::new().readiness().ready);
}

#[test]
fn a_dependency_counts_as_missing_until_it_is_said_to_be_ready() {
    let health = Health::new();
    let postgres = health.dependency("postgres");
    assert!(!health.readiness().ready);
    postgres.ready();
    assert!(health.readiness().ready);
}

#[test]
fn a_lost_dependency_makes_the_service_unready_and_says_why() {
    let health = Health::new();
    let (postgres, kafka) = (health.dependency("postgres"), health.dependency("kafka"));
    postgres.ready();
    kafka.ready();
    kafka.waiting("connection refused");
    let readiness = health.readiness();
    assert!(!readiness.ready);
    assert_eq!(
        serde_json::to_value(&readiness).unwrap(),
        serde_json::json!({ "ready": false, "draining": false, "dependencies": [
            { "name": "postgres", "ready": true },
            { "name": "kafka", "ready": false, "why": "connection refused" },
        ] })
    );
}

#[test]
fn the_same_name_is_the_same_dependency() {
    let health = Health::new();
    health.dependency("redis");
    health.dependency("redis").ready();
    assert_eq!(health.readiness().dependencies.len(), 1);
    assert!(health.readiness().ready);
}

#[test]
fn a_service_that_was_asked_to_stop_is_unready() {
    let health = Health::new();
    let token = CancellationToken::new();
    health.unready_when(&token);
    assert!(health.readiness().ready);
    token.cancel();
    let readiness = health.readiness();
    assert!(readiness.draining && !readiness.ready);
}

#[test]
fn what_a_service_can_do_without_is_shown_but_not_waited_for() {
    let health = Health::new();
    health.dependency("postgres").ready();
    health.optional("redis").waiting("connection refused");
    let readiness = health.readiness();
    assert!(readiness.ready);
    assert_eq!(
        serde_json::to_value(&readiness.dependencies[1]).unwrap(),
        serde_json::json!({ "name": "redis", "ready": false, "optional": true, "why": "connection refused" })
    );
}
