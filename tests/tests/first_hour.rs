//! The files that `docs/first-hour.md` shows are those of `examples/first-hour`, which is built and tested.

use std::fs;
use std::path::Path;

const GUIDE: &str = include_str!("../../docs/first-hour.md");

/// Each file that the guide shows: its name stands in a line of its own before its text.
fn shown() -> Vec<(&'static str, String)> {
    let mut shown = Vec::new();
    let mut lines = GUIDE.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:")) else { continue };
        assert_eq!(lines.next(), Some(""));
        assert!(lines.next().is_some_and(|fence| fence.starts_with("```")), "{name} has no text");
        let text: Vec<_> = lines.by_ref().take_while(|&line| line != "```").collect();
        shown.push((name, text.join("\n") + "\n"));
    }
    shown
}

#[test]
fn the_guide_shows_the_files_that_are_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/first-hour");
    let shown = shown();
    assert_eq!(shown.len(), 7, "Cargo.toml, build.rs, a .proto, and four of Rust");
    for (name, text) in shown {
        let file = fs::read_to_string(folder.join(name)).unwrap();
        // The reader's crate is beside the clone, and its licence is the reader's business.
        let file: String = file.split_inclusive('\n').filter(|line| !line.starts_with("license")).collect();
        assert_eq!(text, file.replace("../../", "../unwired/"), "{name} in docs/first-hour.md is another");
    }
}
