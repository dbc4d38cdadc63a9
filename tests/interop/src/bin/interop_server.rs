//! The server of the suite: `cargo run -p unwired-interop --bin interop_server -- --port=8080`.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::process::{self, ExitCode};

use unwired::Server;
use unwired::server::{Bound, Builder};
use unwired::tls::ServerTls;
use unwired::transport::RuntimeHandle;
use unwired_interop::flags::{Flags, program};
use unwired_interop::server::{Interop, Reconnect};

const USAGE: &str = "Serves gRPC's interoperability suite.

Usage: interop_server --port=PORT [FLAGS]

Flags:
  --runtime=RUNTIME     tokio, async-std, smol or blocking [default: tokio]
  --port=PORT           where to listen; 0 is any port that is free
  --use_tls             speak TLS
  --tls_cert_file=FILE  PEM of the certificates to show, the own one first
  --tls_key_file=FILE   PEM of the key of --tls_cert_file
  --retry_port=PORT     where to watch clients that reconnect, for the case connection_backoff
  --help                print this and exit
";

struct Options {
    port: u16,
    tls: Option<ServerTls>,
    retry_port: Option<u16>,
}

fn main() -> ExitCode {
    program(USAGE, options, serve)
}

fn options(flags: &mut Flags) -> Result<Options, String> {
    let tls = if flags.take_or("use_tls", false)? {
        let chain = flags.file("tls_cert_file", "--use_tls")?;
        let key = flags.file("tls_key_file", "--use_tls")?;
        Some(ServerTls::from_pem(chain, key).map_err(|error| error.to_string())?)
    } else {
        None
    };
    Ok(Options { port: flags.need("port")?, tls, retry_port: flags.take("retry_port")? })
}

async fn serve(runtime: RuntimeHandle, options: Options) -> io::Result<()> {
    let bound = bind(&runtime, options.port).await?;
    let address = bound.local_address()?;
    let service = Interop::new(format!("{address}, process {}", process::id())).service();
    let mut server = Server::builder().add_service(service);
    if let Some(port) = options.retry_port {
        server = watch(server, &runtime, port).await?;
    }
    if let Some(tls) = options.tls {
        server = server.tls(tls);
    }
    println!("listening on {address}");
    bound.serve(server).await
}

async fn bind(runtime: &RuntimeHandle, port: u16) -> io::Result<Bound> {
    Ok(Bound::new(runtime.clone(), runtime.listen(everywhere(port).into()).await?))
}

async fn watch(server: Builder, runtime: &RuntimeHandle, port: u16) -> io::Result<Builder> {
    let listener = runtime.listen(everywhere(port).into()).await?;
    Ok(server.add_service(Reconnect::watch(runtime, listener).service()))
}

fn everywhere(port: u16) -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, port).into()
}
