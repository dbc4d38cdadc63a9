//! The client of the suite: `cargo run -p unwired-interop --bin interop_client -- --server_port=8080 --test_case=large_unary`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use unwired::Target;
use unwired::tls::ClientTls;
use unwired::transport::RuntimeHandle;
use unwired_interop::cases::{self, Caller, Reconnecting, Soak};
use unwired_interop::flags::{Flags, program};

const USAGE: &str = "Asserts a case of gRPC's interoperability suite of a server.

Usage: interop_client --server_port=PORT --test_case=CASE [FLAGS]

Flags:
  --runtime=RUNTIME            tokio, async-std, smol or blocking [default: tokio]
  --server_host=HOST           whom to call [default: localhost]
  --server_host_override=NAME  what to call the server instead, also in TLS
  --server_port=PORT           its port
  --test_case=CASE             what to assert; `all` prints the names of all cases
  --use_tls                    speak TLS
  --use_test_ca                trust --ca_file instead of the system's authorities
  --ca_file=FILE               PEM of the authority to trust
  --soak_iterations=N          calls of a soak [default: 10]
  --soak_max_failures=N        how many of them may fail [default: 0]
  --soak_per_iteration_max_acceptable_latency_ms=N   [default: 1000]
  --soak_min_time_ms_between_rpcs=N                  [default: 0]
  --soak_overall_timeout_seconds=N                   [default: 10]
  --soak_request_size=BYTES                          [default: 271828]
  --soak_response_size=BYTES                         [default: 314159]
  --soak_num_threads=N         calls at a time [default: 1]
  --server_retry_port=PORT     where the server watches clients that reconnect, for the case connection_backoff
  --max_reconnect_backoff_ms=N the longest wait that this server is told to expect [default: 120000]
  --reconnect_seconds=N        how long to try [default: 540]
  --help                       print this and exit
";

struct Options {
    case: String,
    target: Target,
    tls: Option<ClientTls>,
    authority: Option<String>,
    soak: Soak,
    reconnecting: Option<Reconnecting>,
}

fn main() -> ExitCode {
    program(USAGE, options, run)
}

fn options(flags: &mut Flags) -> Result<Options, String> {
    let host: String = flags.take_or("server_host", "localhost".to_owned())?;
    let name: Option<String> = flags.take("server_host_override")?;
    let port = flags.need("server_port")?;
    let use_tls = flags.take_or("use_tls", false)?;
    let trusts_test_ca = flags.take_or("use_test_ca", false)?;
    let tls = if use_tls { Some(tls(flags, trusts_test_ca, name.as_deref())?) } else { None };
    let target = if use_tls { Target::Tls(host.clone(), port) } else { Target::Host(host.clone(), port) };
    let longest = flags.millis("max_reconnect_backoff_ms", Duration::from_secs(120))?;
    let time = flags.seconds("reconnect_seconds", Duration::from_secs(540))?;
    let reconnecting = flags.take("server_retry_port")?.map(|port| Reconnecting {
        retry: Target::Host(host, port),
        max_backoff: longest,
        time,
    });
    let default = Soak::default();
    let soak = Soak {
        iterations: flags.take_or("soak_iterations", default.iterations)?,
        max_failures: flags.take_or("soak_max_failures", default.max_failures)?,
        max_latency: flags.millis("soak_per_iteration_max_acceptable_latency_ms", default.max_latency)?,
        min_interval: flags.millis("soak_min_time_ms_between_rpcs", default.min_interval)?,
        overall_timeout: flags.seconds("soak_overall_timeout_seconds", default.overall_timeout)?,
        request_size: flags.take_or("soak_request_size", default.request_size)?,
        response_size: flags.take_or("soak_response_size", default.response_size)?,
        threads: flags.take_or("soak_num_threads", default.threads)?,
    };
    Ok(Options { case: flags.need("test_case")?, target, tls, authority: name, soak, reconnecting })
}

fn tls(flags: &mut Flags, trusts_test_ca: bool, name: Option<&str>) -> Result<ClientTls, String> {
    let tls = if trusts_test_ca {
        ClientTls::with_roots(flags.file("ca_file", "--use_test_ca")?)
    } else {
        ClientTls::with_system_roots()
    };
    let tls = tls.map_err(|error| error.to_string())?;
    Ok(match name {
        // It may have a port, which no certificate has.
        Some(name) => tls.server_name(name.split(':').next().unwrap_or(name)),
        None => tls,
    })
}

async fn run(runtime: RuntimeHandle, options: Options) -> io::Result<()> {
    let Options { case, target, tls, authority, soak, reconnecting } = options;
    if case == "all" {
        println!("{}", [cases::ALL, cases::HTTP2].concat().join("\n"));
        return Ok(());
    }
    let caller = Caller { runtime, target, tls, authority, soak, reconnecting };
    cases::run(&case, &caller).await.map_err(|failure| io::Error::other(format!("{case}: {failure}")))?;
    println!("{case}: passed");
    Ok(())
}
