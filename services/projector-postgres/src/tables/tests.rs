use std::collections::BTreeSet;
use std::path::Path;

use super::SHAPES;

#[test]
fn every_file_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tables");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".sql").map(str::to_owned))
        .collect();
    let listed: BTreeSet<String> = SHAPES.iter().map(|(view, _)| (*view).to_owned()).collect();
    assert_eq!(files, listed);
}
