//! Answers any request of HTTP/2 with 200 and 64 KiB: `cargo run -p unwired-http2-rigs --bin http2_server -- --addr 127.0.0.1:8080`.

use std::process::ExitCode;

use unwired_http2_rigs::{program, serve};

const USAGE: &str = "Answers any request of HTTP/2, without TLS, with 200 and 64 KiB of content.

Usage: http2_server [--runtime RUNTIME] --addr ADDR:PORT [--body BYTES]

Options:
  --runtime RUNTIME  tokio, async-std, smol or blocking [default: tokio]
  --addr ADDR:PORT   where to listen; port 0 is any that is free
  --body BYTES       what every answer carries [default: 65536]
  --help             print this and exit
";

fn main() -> ExitCode {
    program(USAGE, |arguments| {
        arguments.runtime.run(|runtime| serve(runtime, arguments.address, arguments.body))
    })
}
