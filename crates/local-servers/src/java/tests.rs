use super::*;

#[test]
fn the_version_is_read_from_the_release_file() {
    assert_eq!(parse("IMPLEMENTOR=\"Debian\"\nJAVA_VERSION=\"17.0.15\"\n"), Some(17));
    assert_eq!(parse("JAVA_VERSION=\"21\"\n"), Some(21));
    assert_eq!(parse("JAVA_VERSION=\"1.8.0_412\"\n"), Some(8));
    assert_eq!(parse("JAVA_VERSION=\"24-ea\"\n"), Some(24));
    assert_eq!(parse("nothing\n"), None);
}
