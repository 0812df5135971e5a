use super::*;

#[test]
fn the_tail_of_a_log_is_its_last_lines() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<_> = (1..=10_000).map(|number| format!("line {number}")).collect();
    fs::write(file.path(), lines.join("\n")).unwrap();
    let tail = tail(file.path());
    assert_eq!(tail.lines().count(), 15);
    assert!(tail.ends_with("line 10000"));
}

#[test]
fn a_log_that_is_not_there_says_so() {
    assert!(tail(Path::new("/nowhere/server.log")).starts_with("(not readable"));
}

#[tokio::test]
async fn a_failing_helper_tells_what_it_said() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such luck >&2; exit 3"]);
    let error = run("trying", command).await.unwrap_err().to_string();
    assert_eq!(error, "trying failed (exit code 3):\nno such luck");
}
