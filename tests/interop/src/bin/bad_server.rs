//! A server of the suite's cases of HTTP/2: `cargo run -p unwired-interop --bin bad_server -- --port=8080 --test_case=goaway`.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use unwired_interop::bad_server::{BadServer, Misdeed};
use unwired_interop::flags::{Flags, program};

const USAGE: &str = "Answers gRPC's UnaryCall as a case of the suite's HTTP/2 part wants it.

Usage: bad_server --port=PORT --test_case=CASE

Flags:
  --port=PORT       where to listen on 127.0.0.1; 0 is any port that is free
  --test_case=CASE  goaway, rst_after_header, rst_during_data, rst_after_data, ping, max_streams, data_frame_padding,
                    no_df_padding_sanity_test
  --help            print this and exit

It prints what clients did that they must not do, and ends with the standard input.
";

fn main() -> ExitCode {
    program(USAGE, options, async |_, (port, misdeed)| {
        let server = BadServer::start((IpAddr::V4(Ipv4Addr::LOCALHOST), port).into(), misdeed)?;
        println!("listening on {}", server.address());
        io::copy(&mut io::stdin(), &mut io::sink())?;
        let faults = server.seen().faults();
        if faults.is_empty() { Ok(()) } else { Err(io::Error::other(faults.join("\n"))) }
    })
}

fn options(flags: &mut Flags) -> Result<(u16, Misdeed), String> {
    Ok((flags.need("port")?, flags.need("test_case")?))
}
