//! A little of what `soak` does for an hour in `tests/nightly`.

use std::process::Command;

#[test]
fn no_call_is_lost_and_none_gets_the_answer_of_another() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_soak")).args(["--seconds=4", "--rate=200"]).output().unwrap();
    let (table, faults) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{table}\n{faults}");
    let runtimes = ["tokio", "async-std", "smol", "blocking"];
    assert!(runtimes.iter().all(|runtime| table.lines().any(|row| row.starts_with(runtime))), "{table}");
}
