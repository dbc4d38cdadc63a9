//! Makes one request of HTTP/2: `cargo run -p unwired-http2-rigs --bin http2_client -- http://127.0.0.1:8080/`.

use std::process::ExitCode;

use unwired_http2_rigs::{program, request};

const USAGE: &str =
    "Asks a server of HTTP/2, without TLS, for /, and stays connected until the server has had enough.

Usage: http2_client [--runtime RUNTIME] http://ADDR:PORT/

Options:
  --runtime RUNTIME  tokio, async-std, smol or blocking [default: tokio]
  --addr ADDR:PORT   the same as http://ADDR:PORT/
  --help             print this and exit
";

fn main() -> ExitCode {
    program(USAGE, |arguments| arguments.runtime.run(|runtime| request(runtime, arguments.address)))
}
