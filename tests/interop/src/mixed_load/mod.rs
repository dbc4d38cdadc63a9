//! Hours of calls of all kinds and sizes, with cancellations, deadlines, restarts and cut connections: none may be lost, none
//! may get another's answer, and memory may not grow.

mod client;
mod cutting;
mod exchange;
mod host;
mod random;
mod tally;

use core::time::Duration;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;
use unwired::Target;
use unwired::transport::RuntimeHandle;
use unwired_core::http2::Limits;

use client::{Client, Connected};
use random::Random;
pub use tally::Report;
use tally::{Tally, resident_kib};

/// Channels of each way to the server.
const CHANNELS: u64 = 3;
/// Calls under way on each channel.
const CALLS_AT_A_TIME: u64 = 4;
/// As many channels as go straight to the server go over connections that are cut.
const WAYS: u64 = 2;
/// What anything may take that must come to a good end: a machine that has much else to do starves some of its programs for
/// minutes.
const PATIENCE: Duration = Duration::from_secs(900);
/// Any port that is free.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How much load there is.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// For how long.
    pub time: Duration,
    /// Calls in a second; fewer where the machine does not make as many.
    pub rate: u32,
}

/// No peer is blamed for what a busy machine does to it.
fn be_patient(limits: &mut Limits) {
    limits.handshake_timeout = PATIENCE;
    limits.settings_ack_timeout = PATIENCE;
    limits.header_block_timeout = PATIENCE;
    limits.frame_timeout = PATIENCE;
    limits.write_stall_timeout = PATIENCE;
}

/// Serves and calls on `runtime`, and says what became of the calls.
///
/// # Errors
///
/// Those of the system when it cannot listen.
pub async fn run(runtime: &RuntimeHandle, load: Load) -> io::Result<Report> {
    let begun = runtime.now();
    let end = begun + load.time;
    let over = Arc::new(AtomicBool::new(false));
    let listener = runtime.listen(LOOPBACK.into()).await?;
    let address = listener.local_address()?;
    let (serving, served) =
        host::serve(runtime.clone(), listener, address.clone(), Arc::clone(&over)).remote_handle();
    runtime.spawn(serving);
    let cutter = runtime.listen(LOOPBACK.into()).await?;
    let cut = cutter.local_address()?;
    // It lives as long as its handle.
    let (cutting, _cutting) = cutting::relay(runtime.clone(), cutter, address.clone()).remote_handle();
    runtime.spawn(cutting);

    let tally = Arc::new(Tally::default());
    let clients = CHANNELS * CALLS_AT_A_TIME * WAYS;
    let pause = Duration::from_secs(clients) / load.rate.max(1);
    let mut calling = Vec::new();
    for (address, is_cut) in [(address, false), (cut, true)] {
        for channel in 0..CHANNELS {
            let target = Target::Address(address.clone());
            let connected = Arc::new(Connected::new(runtime, target, channel, !is_cut));
            for call in 0..CALLS_AT_A_TIME {
                let number = (channel * CALLS_AT_A_TIME + call) * WAYS + u64::from(is_cut);
                let client = Client {
                    runtime: runtime.clone(),
                    connected: Arc::clone(&connected),
                    tally: Arc::clone(&tally),
                    random: Random::new(number),
                    number,
                    is_cut,
                };
                let (client, called) = client.run(end, pause).remote_handle();
                runtime.spawn(client);
                calling.push(called);
            }
        }
    }
    let mut resident = [None; 4];
    for (quarter, resident) in (1..).zip(&mut resident) {
        runtime.sleep_until(begun + load.time * quarter / 4).await;
        *resident = resident_kib();
    }
    join_all(calling).await;
    over.store(true, Ordering::Relaxed);
    let (restarts, running) = served.await?;
    Ok(tally.report(resident, restarts, running))
}
