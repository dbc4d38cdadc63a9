//! Whom the bench compares. Each serves the same greeter, in a process of its own.

mod tonic;
mod unwired_tokio;

use std::error::Error;
use std::net::SocketAddr;

/// The name of the contender that ratios refer to.
pub(crate) const REFERENCE: &str = "tonic";

/// One implementation of the greeter.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) serve: Serve,
}

/// Serves on a free loopback port until the process is killed, and tells the address once it listens.
type Serve = fn(&dyn Fn(SocketAddr)) -> Result<(), Box<dyn Error>>;

/// All contenders, in the order of the report.
pub(crate) const ALL: &[Contender] = &[
    Contender { name: "unwired-tokio", serve: unwired_tokio::serve },
    Contender { name: REFERENCE, serve: tonic::serve },
];

pub(crate) fn find(name: &str) -> Result<&'static Contender, Box<dyn Error>> {
    ALL.iter().find(|contender| contender.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|contender| contender.name).collect();
        format!("no contender is called {name}: there are {}", names.join(", ")).into()
    })
}
