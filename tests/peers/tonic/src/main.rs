//! The cases of gRPC's interoperability suite over tonic, client and server, with the flags of the suite.

mod client;
mod echo;
mod server;

use std::collections::HashMap;
use std::process::ExitCode;
use std::{env, fs};

use bytes::Bytes;

#[allow(unreachable_pub, clippy::all, reason = "as generated")]
mod stubs {
    tonic::include_proto!("grpc.testing");
}

const USAGE: &str = "\
Usage: unwired-tonic-peer server --port=PORT [--use_tls=true --tls_cert_file=FILE --tls_key_file=FILE]
       unwired-tonic-peer client --server_port=PORT --test_case=CASE [--server_host=HOST] [--soak_iterations=N]
                                 [--use_tls=true --use_test_ca=true --ca_file=FILE --server_host_override=NAME]";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Comes back as initial metadata.
const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
/// Comes back as trailing metadata.
const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// So many zeros.
fn payload(size: usize) -> Option<stubs::Payload> {
    Some(stubs::Payload { body: Bytes::from(vec![0; size]), ..stubs::Payload::default() })
}

/// The values of `--name=value`; flags that nobody here knows do no harm.
struct Flags(HashMap<String, String>);

impl Flags {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let flags = arguments.map(|argument| {
            let flag = argument.strip_prefix("--").and_then(|flag| flag.split_once('='));
            let (name, value) = flag.ok_or_else(|| format!("`{argument}` is not --name=value"))?;
            Ok((name.to_owned(), value.to_owned()))
        });
        flags.collect::<Result<_, _>>().map(Self)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn need(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| format!("--{name} is needed").into())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// The text of the file that `--name` names.
    fn file(&self, name: &str) -> Result<String, Failure> {
        let path = self.need(name)?;
        fs::read_to_string(path).map_err(|error| format!("--{name}={path}: {error}").into())
    }
}

async fn run() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let program = arguments.next();
    let flags = Flags::parse(arguments)?;
    match program.as_deref() {
        Some("server") => server::serve(&flags).await,
        Some("client") => client::run(&flags).await,
        _ => Err(USAGE.into()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
