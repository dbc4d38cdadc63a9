//! Whom the bench compares. Each serves the same greeter, in a process of its own.

mod bare_h2;
mod client;
mod limit;
mod tonic;
mod unwired;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

pub(crate) use client::{ECHOED, Exchange};

/// Ours on the runtime that tonic gets as well.
pub(crate) const OURS: &str = "unwired-tokio";
/// Ours with a thread for each core.
pub(crate) const OURS_ON_THREADS: &str = "unwired-tokio-threads";
/// Ours on the other runtimes.
pub(crate) const OURS_ON_SMOL: &str = "unwired-smol";
pub(crate) const OURS_ON_ASYNC_STD: &str = "unwired-async-std";
/// Ours on no runtime: a thread that waits.
pub(crate) const OURS_ON_BLOCKING: &str = "unwired-blocking";
/// tonic on one thread.
pub(crate) const TONIC: &str = "tonic";
/// tonic with a thread for each core.
pub(crate) const TONIC_ON_THREADS: &str = "tonic-threads";
/// The `h2` crate without anything of gRPC above it.
pub(crate) const H2: &str = "h2";
/// A server that does no work at all: what the machine can do.
pub(crate) const LIMIT: &str = "limit";

/// One implementation.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) serve: Serve,
    /// Its client, if it has one; who has one also serves streams and large messages.
    pub(crate) drive: Option<client::Drive>,
}

/// Serves on a free loopback port until the process is killed, and tells the address once it listens.
type Serve = fn(Announce<'_>) -> Result<(), Box<dyn Error>>;

/// Tells where a server listens.
type Announce<'a> = &'a dyn Fn(SocketAddr);

/// A free port that nobody else reaches.
const ANYWHERE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// All contenders, in the order of the reports.
pub(crate) const ALL: &[Contender] = &[
    Contender { name: OURS, serve: unwired::on_tokio, drive: Some(client::drive::<unwired::Client>) },
    Contender { name: OURS_ON_THREADS, serve: unwired::on_tokio_threads, drive: None },
    Contender { name: OURS_ON_SMOL, serve: unwired::on_smol, drive: None },
    Contender { name: OURS_ON_ASYNC_STD, serve: unwired::on_async_std, drive: None },
    Contender { name: OURS_ON_BLOCKING, serve: unwired::on_blocking, drive: None },
    Contender { name: TONIC, serve: tonic::on_one_thread, drive: Some(client::drive::<tonic::Client>) },
    Contender { name: TONIC_ON_THREADS, serve: tonic::on_threads, drive: None },
    Contender { name: H2, serve: bare_h2::serve, drive: None },
    Contender { name: LIMIT, serve: limit::serve, drive: None },
];

pub(crate) fn find(name: &str) -> Result<&'static Contender, Box<dyn Error>> {
    ALL.iter().find(|contender| contender.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|contender| contender.name).collect();
        format!("no contender is called {name}: there are {}", names.join(", ")).into()
    })
}

/// tokio on the thread that calls this.
fn one_thread() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// tokio as `#[tokio::main]` makes it: a thread for each core that the process may use.
fn threads() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
