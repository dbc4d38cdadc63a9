//! What connections and calls take that are open and do nothing.

use std::error::Error;
use std::thread;
use std::time::Duration;

use crate::contender::{Contender, OURS, TONIC};
use crate::cores::Core;
use crate::load::Process;
use crate::measure;
use crate::plan::Plan;
use crate::process::Server;
use crate::report::{Column, Goal, Page, Table};

const COLUMNS: &[Column] = &[Column { head: "KiB of RSS", digits: 2 }];

/// Connections without a call.
const IDLE: usize = 1_000;
/// Connections, and calls on each.
const OPEN: (usize, usize) = (100, 100);
/// After so long a server has given back what it does not need.
const SETTLED: Duration = Duration::from_secs(3);

const CONNECTION: &str = "\
about 3,900 octets: 2,700 are the core's connection and what driver and calls share, 660 tokio's (task, socket, timer), the \
rest the driver. Done: one configuration for all connections of a server; timers that do not run and buckets in less room; \
queues of events given back; how a connection ended apart. To close it: counters of 32 bits, and the driver in tokio's box.";
const CALL: &str = "\
1,074 octets are allocated for a call besides the handler's own future of 220 to 230, and RSS has what the allocator keeps between \
blocks in use. Done: sections and heads apart from streams and calls; empty queues and buffers given back while calls are open; \
places fitted to the calls that there are; the answer with many messages as a future written by hand. Tried: to hand empty queues \
from stream to stream at once (80 instructions for each message); queues that begin with room for one item (no difference). To close \
it: the reply and the request's end of the call in one, and no task of its own for a handler that waits.";

/// Measures every contender that streams, in turn.
pub(crate) fn run(plan: &Plan) -> Result<Page, Box<dyn Error>> {
    let mut connections = Table::new("an idle connection", COLUMNS, &[TONIC]);
    let mut calls = Table::new("an idle open bidi call", COLUMNS, &[TONIC]);
    for _ in 0..plan.rounds {
        for contender in plan.with_clients() {
            connections.add(contender.name, vec![grown(contender, IDLE, 0)? / IDLE as f64]);
            let (lines, each) = OPEN;
            let calls_alone = grown(contender, lines, each)? - grown(contender, lines, 0)?;
            calls.add(contender.name, vec![calls_alone / (lines * each) as f64]);
        }
    }
    let goals = vec![
        Goal::at_most("an idle connection, KiB", 4.0, connections.median(OURS, 0)).because(CONNECTION),
        Goal::at_most("an idle open bidi call, KiB, with the handler's future", 1.0, calls.median(OURS, 0))
            .because(CALL),
    ];
    Ok(Page {
        name: "memory",
        about: "How much the memory of a server grows, for each of 1,000 idle connections, and for each of 10,000 calls on 100 \
                connections that have had one message each way; seconds after the last octet.",
        tables: vec![connections, calls],
        goals,
    })
}

/// By how many KiB a fresh server grows with so many connections and calls on each of them.
fn grown(contender: &Contender, connections: usize, calls: usize) -> Result<f64, Box<dyn Error>> {
    let server = Server::start(contender, &[Core::Server])?;
    // What it needs once, whatever comes, is there.
    drop(Process::hold(server.addr(), 1, 1)?);
    thread::sleep(SETTLED);
    let before = measure::resident_kib(server.id())?;
    let _held = Process::hold(server.addr(), connections, calls)?;
    thread::sleep(SETTLED);
    Ok(measure::resident_kib(server.id())? as f64 - before as f64)
}
