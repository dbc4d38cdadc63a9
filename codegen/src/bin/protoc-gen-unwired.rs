//! The plugin that `protoc --unwired_out=DIR` runs: a request on stdin, the answer on stdout.
//!
//! With arguments it does without `protoc`, for those who keep generated code in their repository:
//!
//! ```text
//! protoc-gen-unwired src/generated -Iproto proto/helloworld.proto
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match if arguments.is_empty() { answer() } else { compile(arguments) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> Result<(), Box<dyn Error>> {
    let mut request = Vec::new();
    io::stdin().lock().read_to_end(&mut request)?;
    let response = unwired_build::plugin::run(&request)?;
    Ok(io::stdout().lock().write_all(&response)?)
}

fn compile(arguments: Vec<String>) -> Result<(), Box<dyn Error>> {
    let (includes, paths): (Vec<String>, Vec<String>) =
        arguments.into_iter().partition(|argument| argument.starts_with("-I"));
    let includes: Vec<&str> = includes.iter().map(|include| include.trim_start_matches("-I")).collect();
    match paths.split_first() {
        Some((out, files)) if !files.is_empty() && !out.starts_with('-') && !includes.is_empty() => {
            Ok(unwired_build::configure().out_dir(out).compile_protos(files, &includes)?)
        }
        _ => Err("usage: protoc-gen-unwired OUT_DIR -IFOLDER... FILE.proto...\n\
            without arguments it is a plugin of protoc: protoc --unwired_out=OUT_DIR FILE.proto"
            .into()),
    }
}
