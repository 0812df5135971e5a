use std::os::unix::fs::PermissionsExt;

use super::*;

fn args(folder: &Path) -> HomeArgs {
    HomeArgs { folder: Some(folder.to_owned()) }
}

#[test]
fn a_key_is_made_once_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = key_for(folder.path()).unwrap();
    let again = key_for(folder.path()).unwrap();
    assert_eq!(made.expose_secret(), again.expose_secret());
    assert_eq!(args(folder.path()).key().unwrap().expose_secret(), made.expose_secret());
    let mode = fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn without_a_system_the_message_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = args(folder.path()).system().unwrap_err().to_string();
    assert!(error.contains("twofold up"), "{error}");
    let error = args(folder.path()).key().unwrap_err().to_string();
    assert!(error.contains("twofold up"), "{error}");
}

#[test]
fn a_system_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let system = System {
        log_url: "postgres://postgres:secret@127.0.0.1:1/log".to_owned(),
        views_url: "postgres://postgres:secret@127.0.0.1:1/views".to_owned(),
        registry_database_url: "postgres://postgres:secret@127.0.0.1:1/registry".to_owned(),
        processes_url: "postgres://postgres:secret@127.0.0.1:1/processes".to_owned(),
        redis_url: "redis://127.0.0.1:2".to_owned(),
        redis_prefix: "twofold".to_owned(),
        projectors: vec!["http://127.0.0.1:4".to_owned()],
        process_manager: Some("http://127.0.0.1:5".to_owned()),
        kafka: "127.0.0.1:3".to_owned(),
        topic_prefix: "twofold".to_owned(),
        broker: Some(BrokerChoice::Kafka),
    };
    system.write(folder.path()).unwrap();
    assert_eq!(args(folder.path()).system().unwrap(), system);
    System::forget(folder.path());
    assert!(System::read(folder.path()).is_none());
}
