//! The same tour on each runtime: what differs is how a program starts it, binds and connects.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use unwired_blocking::Blocking;
use unwired_examples::tour::{Visit, server, tour, visit_all};

/// A runtime and the tour on it.
pub(crate) struct Runtime {
    pub(crate) name: &'static str,
    pub(crate) visit: fn() -> Visits,
}

type Visits = Result<Vec<Visit>, Box<dyn Error>>;

pub(crate) const RUNTIMES: &[Runtime] = &[
    Runtime { name: "tokio", visit: on_tokio },
    Runtime { name: "async-std", visit: on_async_std },
    Runtime { name: "smol", visit: on_smol },
    Runtime { name: "blocking", visit: on_threads },
];

/// Any port that is free.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn on_tokio() -> Visits {
    tokio::runtime::Runtime::new()?.block_on(async {
        let bound = unwired_tokio::bind(LOOPBACK).await?;
        visit_all(bound, unwired_tokio::connect).await
    })
}

fn on_async_std() -> Visits {
    async_std::task::block_on(async {
        let bound = unwired_async_std::bind(LOOPBACK).await?;
        visit_all(bound, unwired_async_std::connect).await
    })
}

fn on_smol() -> Visits {
    smol::block_on(async {
        let bound = unwired_smol::bind(LOOPBACK).await?;
        visit_all(bound, unwired_smol::connect).await
    })
}

/// The server has a thread of its own, the client waits on this one.
fn on_threads() -> Visits {
    let running = unwired_blocking::bind(LOOPBACK)?.start(server())?;
    println!("The greeter and the route guide listen on {}.", running.local_addr()?);
    let runtime = Blocking::new()?;
    let target = format!("http://{}", running.local_addr()?).parse()?;
    let channel = unwired::Channel::builder(runtime.handle(), target).connect_lazy();
    let visits = runtime.block_on(tour(channel));
    running.shutdown(Duration::from_secs(1))?;
    Ok(visits)
}
