//! Connections that once went wrong, and some of each kind that never did: they answer as they did when they were recorded.

use std::path::Path;

use unwired_replay::play;

#[test]
fn recorded_connections_answer_as_they_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are recordings");
    for file in files {
        let name = file.file_name().unwrap_or_default().display();
        match play(&std::fs::read(&file).unwrap()) {
            Ok(played) => {
                assert_eq!(file.extension().unwrap_or_default(), played.kind.name(), "{name} is misnamed")
            }
            Err(error) => {
                panic!("{name}: {error}.\nIf it ought to, `cargo run -p unwired-replay -- --renew` it")
            }
        }
    }
}
