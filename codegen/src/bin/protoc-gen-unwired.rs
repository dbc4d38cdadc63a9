//! The plugin that `protoc --unwired_out=DIR` runs: a request on stdin, the answer on stdout.

use std::io::{self, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("protoc-gen-unwired: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut request = Vec::new();
    io::stdin().lock().read_to_end(&mut request)?;
    let response = unwired_build::plugin::run(&request)?;
    io::stdout().lock().write_all(&response)
}
