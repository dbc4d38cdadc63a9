//! Whom the bench compares. Each serves the same greeter, in a process of its own.

mod bare_h2;
mod client;
mod foreign;
mod limit;
mod tonic;
mod unwired;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

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

/// gRPC of C++ and of Python, where `bench/peers/build` has built them.
pub(crate) const CPP: &str = "grpc++";
pub(crate) const PYTHON: &str = "grpcio";

/// One implementation.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) serve: Serve,
    /// Its client, if it has one; who has one also serves streams and large messages.
    pub(crate) drive: Option<client::Drive>,
    /// Whether it can be measured here.
    pub(crate) is_there: fn() -> bool,
}

/// One that is a part of this program.
const fn own(name: &'static str, serve: Serve, drive: Option<client::Drive>) -> Contender {
    Contender { name, serve, drive, is_there: || true }
}

/// Serves on a free loopback port until the process is killed, and tells the address once it listens.
type Serve = fn(Announce<'_>) -> Result<(), Box<dyn Error>>;

/// Tells where a server listens.
type Announce<'a> = &'a dyn Fn(SocketAddr);

/// What a handler does that computes.
fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < COMPUTED {
        core::hint::spin_loop();
    }
}

/// For how long.
pub(crate) const COMPUTED: Duration = Duration::from_micros(200);

/// A free port that nobody else reaches.
const ANYWHERE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// All contenders, in the order of the reports.
pub(crate) const ALL: &[Contender] = &[
    own(OURS, unwired::on_tokio, Some(client::drive::<unwired::Client>)),
    own(OURS_ON_THREADS, unwired::on_tokio_threads, None),
    own(OURS_ON_SMOL, unwired::on_smol, None),
    own(OURS_ON_ASYNC_STD, unwired::on_async_std, None),
    own(OURS_ON_BLOCKING, unwired::on_blocking, None),
    own(TONIC, tonic::on_one_thread, Some(client::drive::<tonic::Client>)),
    own(TONIC_ON_THREADS, tonic::on_threads, None),
    own(H2, bare_h2::serve, None),
    own(LIMIT, limit::serve, None),
    Contender { name: CPP, serve: foreign::on_cpp, drive: None, is_there: foreign::has_cpp },
    Contender { name: PYTHON, serve: foreign::on_python, drive: None, is_there: foreign::has_python },
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
