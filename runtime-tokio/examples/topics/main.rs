//! One short program a topic: `cargo run -p unwired-tokio --example topics -- deadline`. Without a topic, all of them.

mod cancellation;
mod compression;
mod deadline;
mod drain;
mod in_memory;
mod interceptors;
mod metadata;
mod rich_errors;
mod tls;
#[cfg(unix)]
mod unix_socket;

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;

use unwired::{Channel, Request, Server};
use unwired_proto::helloworld::HelloRequest;

type Outcome = Result<(), Box<dyn Error>>;
type Program = fn() -> Pin<Box<dyn Future<Output = Outcome>>>;

/// What each topic is called, and its program.
#[rustfmt::skip]
pub(crate) const TOPICS: &[(&str, Program)] = &[
    ("metadata", || Box::pin(metadata::run())),
    ("deadline", || Box::pin(deadline::run())),
    ("cancellation", || Box::pin(cancellation::run())),
    ("compression", || Box::pin(compression::run())),
    ("rich_errors", || Box::pin(rich_errors::run())),
    ("tls", || Box::pin(tls::run())),
    #[cfg(unix)]
    ("unix_socket", || Box::pin(unix_socket::run())),
    ("in_memory", || Box::pin(in_memory::run())),
    ("interceptors", || Box::pin(interceptors::run())),
    ("drain", || Box::pin(drain::run())),
];

#[tokio::main]
async fn main() -> Outcome {
    let asked: Vec<_> = std::env::args().skip(1).collect();
    if let Some(unknown) = asked.iter().find(|asked| !TOPICS.iter().any(|(topic, _)| topic == asked)) {
        let topics: Vec<_> = TOPICS.iter().map(|(topic, _)| *topic).collect();
        return Err(format!("there is no topic `{unknown}`: there are {}", topics.join(", ")).into());
    }
    for (topic, run) in TOPICS {
        if asked.is_empty() || asked.iter().any(|asked| asked == topic) {
            println!("---- {topic}");
            run().await?;
        }
    }
    Ok(())
}

/// Any port that is free.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Serves on a free port, and connects.
async fn start(server: impl Into<Server>) -> Result<Channel, Box<dyn Error>> {
    let bound = unwired_tokio::bind(LOOPBACK).await?;
    let target = format!("http://{}", bound.local_addr()?);
    tokio::spawn(bound.serve(server.into()));
    Ok(unwired_tokio::connect(target).await?)
}

fn hello(name: &str) -> Request<HelloRequest> {
    Request::new(HelloRequest { name: name.to_owned() })
}
