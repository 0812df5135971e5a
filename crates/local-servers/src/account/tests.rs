use super::*;

const PASSWD: &str =
    "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";

#[test]
fn an_account_is_found_by_its_whole_name() {
    let expected = Account { name: "postgres".to_owned(), user: 101, group: 104 };
    assert_eq!(Account::find(PASSWD, "postgres"), Some(expected));
    assert_eq!(Account::find(PASSWD, "postgre"), None);
}

#[test]
fn a_closed_folder_above_keeps_an_account_out() {
    let stranger = Account { name: "stranger".to_owned(), user: 65_533, group: 65_533 };
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(!stranger.reaches(&inner));
    fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o711)).unwrap();
    assert!(stranger.reaches(&inner));
}
