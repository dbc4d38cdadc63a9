//! Plays recordings of connections: `cargo run -p unwired-replay -- [--renew] FILE...`.
//!
//! With `--renew` a recording that is answered differently now is written anew: for changes that are meant to be.

use std::process::ExitCode;

use unwired_replay::play_anyhow;

fn main() -> ExitCode {
    let (options, files): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let renews = options.iter().any(|option| option == "--renew");
    if files.is_empty() || options.iter().any(|option| option != "--renew") {
        eprintln!("usage: unwired-replay [--renew] FILE...");
        return ExitCode::from(2);
    }
    let mut code = ExitCode::SUCCESS;
    for file in &files {
        match replay(file, renews) {
            Ok(true) => {}
            Ok(false) => code = ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{file}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// Answers whether the file is well now.
fn replay(file: &str, renews: bool) -> Result<bool, Box<dyn std::error::Error>> {
    let recording = std::fs::read(file)?;
    let played = play_anyhow(&recording)?;
    let (kind, operations) = (played.kind.name(), played.operations);
    match played.diverged {
        None => println!("{file}: {kind}, {operations} operations, answered as they were"),
        Some(at) if renews => {
            std::fs::write(file, played.recording)?;
            println!("{file}: {kind}, {operations} operations, written anew from operation {} on", at + 1);
        }
        Some(at) => {
            println!("{file}: {kind}, answers differently from operation {} of {operations} on", at + 1);
            return Ok(false);
        }
    }
    Ok(true)
}
