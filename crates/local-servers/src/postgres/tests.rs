use super::*;

fn version(major: u32) -> Installed {
    Installed { major, programs: format!("/usr/lib/postgresql/{major}/bin").into() }
}

#[test]
fn new_data_are_made_by_the_newest_version() {
    assert_eq!(choose(&[version(15), version(17), version(16)], None).unwrap(), version(17));
}

#[test]
fn data_are_opened_by_the_version_that_wrote_them() {
    assert_eq!(choose(&[version(15), version(17)], Some(15)).unwrap(), version(15));
}

#[test]
fn data_of_a_version_that_is_gone_say_what_to_install() {
    let error = choose(&[version(17)], Some(15)).unwrap_err().to_string();
    assert!(error.contains("apt-get install postgresql-15"), "{error}");
}

#[test]
fn too_old_a_version_is_as_good_as_none() {
    let error = choose(&[version(13)], None).unwrap_err().to_string();
    assert!(error.contains("Postgres 15 or later"), "{error}");
    assert!(error.contains("apt-get install postgresql"), "{error}");
}
