use super::*;

/// Not closed to other accounts, as a test that root runs would have it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn a_folder_is_held_by_one_process_at_a_time() {
    let outer = folder();
    let home = Home::open(outer.path()).await.unwrap();
    let second = Home::open(outer.path()).await.unwrap_err();
    let LocalServerError::InUse { holder, .. } = second else { panic!("expected InUse, got {second}") };
    assert_eq!(holder, process::id().to_string());
    drop(home);
    Home::open(outer.path()).await.unwrap();
}

#[tokio::test]
async fn a_throw_away_folder_goes_with_its_value() {
    let home = Home::throw_away().await.unwrap();
    let data = home.data().to_owned();
    assert!(data.is_dir());
    drop(home);
    assert!(!data.exists());
}

#[tokio::test]
async fn a_throw_away_folder_of_a_killed_process_is_removed() {
    let parent = tempfile::tempdir().unwrap();
    // No process has a number above 4194304.
    let abandoned = parent.path().join(format!("{THROW_AWAY}4194305-abc"));
    fs::create_dir(&abandoned).unwrap();
    fs::write(abandoned.join(LOCK), "1").unwrap();
    let held = parent.path().join(format!("{THROW_AWAY}4194306-def"));
    fs::create_dir(&held).unwrap();
    let _lock = hold(&held).unwrap();
    remove_abandoned(parent.path()).await;
    assert!(!abandoned.exists());
    assert!(held.exists());
}

#[tokio::test]
async fn erasing_removes_data_and_keeps_the_folder() {
    let outer = folder();
    let home = Home::open(outer.path()).await.unwrap();
    let folder = home.server_folder("redis").unwrap();
    home.write(&folder.join("dump"), "x").unwrap();
    home.erase().unwrap();
    assert!(!folder.exists());
    assert!(home.data().is_dir());
}

#[test]
fn checkouts_of_one_name_have_data_folders_of_their_own() {
    let one = name_of(Path::new("/root/a/twofold/.twofold"));
    let other = name_of(Path::new("/root/b/twofold/.twofold"));
    assert!(one.starts_with("twofold-") && other.starts_with("twofold-"));
    assert_ne!(one, other);
}

#[test]
fn data_that_another_account_could_not_reach_are_kept_elsewhere() {
    let stranger = Account { name: "stranger".to_owned(), user: 65_533, group: 65_533 };
    let (closed, elsewhere) = (folder(), folder());
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let checkout = closed.path().join("twofold/.twofold");
    fs::create_dir_all(&checkout).unwrap();
    let data = data_folder(&checkout, Some(&stranger), elsewhere.path()).unwrap();
    assert!(data.starts_with(elsewhere.path()));
    assert!(stranger.reaches(&data));
    assert_eq!(fs::read_link(checkout.join(DATA)).unwrap(), data);
    let again = data_folder(&checkout, Some(&stranger), Path::new("/not/looked/at")).unwrap();
    assert_eq!(again, data);
}

#[test]
fn data_stay_in_a_folder_that_the_servers_reach() {
    let stranger = Account { name: "stranger".to_owned(), user: 65_533, group: 65_533 };
    let open = folder();
    let data = data_folder(open.path(), Some(&stranger), Path::new("/not/looked/at")).unwrap();
    assert_eq!(data, open.path().join(DATA));
}
