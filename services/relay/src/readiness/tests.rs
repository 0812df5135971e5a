use kernel::Lane;

use super::*;

fn why(health: &Health, name: &str) -> Option<String> {
    let readiness = health.readiness();
    let found = readiness.dependencies.into_iter().find(|dependency| dependency.name == name);
    found.expect("it is named").why
}

#[test]
fn a_dependency_is_there_when_no_log_misses_it() {
    let health = Health::new();
    let readiness = Readiness::new(&health);
    let (one, two) = (LogId::new("catalog", Lane::new(1)), LogId::new("catalog", Lane::new(2)));
    readiness.trouble(Blame::Kafka, Some(&two), "away");
    readiness.trouble(Blame::Kafka, Some(&one), "not there");
    readiness.fine(Blame::Registry, None);
    assert_eq!(why(&health, "kafka").as_deref(), Some("catalog/1: not there (and 1 more)"));
    assert_eq!(why(&health, "registry"), None);
    readiness.all_fine(&one);
    assert_eq!(why(&health, "kafka").as_deref(), Some("catalog/2: away"));
    readiness.all_fine(&two);
    assert_eq!(why(&health, "kafka"), None);
}
