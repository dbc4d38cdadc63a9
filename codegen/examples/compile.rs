//! Generates code outside of a build, for those who keep it in their repository:
//!
//! ```text
//! cargo run -p unwired-build --example compile -- src/generated -Iproto proto/helloworld.proto
//! ```
//!
//! In a `build.rs` it would be `unwired_build::compile_protos`; there this program does as well, which the tests use.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (includes, mut files): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|word| word.starts_with("-I"));
    let includes: Vec<&str> = includes.iter().map(|include| &include[2..]).collect();
    if files.len() < 2 || includes.is_empty() {
        eprintln!("usage: compile OUT_DIR -IFOLDER... FILE...");
        return ExitCode::FAILURE;
    }
    let out = files.remove(0);
    match unwired_build::configure().out_dir(out).compile_protos(&files, &includes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
