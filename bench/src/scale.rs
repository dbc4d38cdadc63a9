//! What a call costs when there is more of everything: threads, connections, open calls.

use std::error::Error;
use std::fs;

use crate::contender::{self, COMPUTED, Contender, LIMIT, OURS, OURS_ON_THREADS, TONIC, TONIC_ON_THREADS};
use crate::cores::Core;
use crate::load::{Process, Shape};
use crate::plan::Plan;
use crate::process::Server;
use crate::report::{Goal, Page, Table};
use crate::unary::{self, CALLS_PER_SECOND, COLUMNS};
use crate::wire::requests::Calls;

/// Connections, one call in flight on each: every read brings one call.
const CONNECTIONS: [usize; 4] = [10, 100, 1_000, 10_000];
/// Calls that are open and idle beside those that are measured, on so many connections.
const HELD: [(usize, usize); 3] = [(1, 1), (10, 100), (1_000, 100)];
/// Files that a process has open besides its connections.
const OTHER_FILES: usize = 100;
/// What both threads of a server have enough of.
const MANY: Shape = Shape::plain(50, 20);
/// One connection whose handlers are slow.
const COMPUTING: Shape = Shape { connections: 1, in_flight: 20, calls: Calls::Computed };

const CACHES: &str = "\
the instructions are the same (see below): what costs more is memory that is not in the caches any more, the kernel's sockets first; the \
limit, which keeps next to nothing for a connection, has its own row. Done: less memory for each connection; buffers that belong \
to the thread; turns that read, act and write at once, so that a connection is fetched once. To close it: smaller records, and \
less of the kernel's for each socket (io_uring's buffers that sockets share).";

const SHARED: &str = "\
the second thread's core has the load to make as well.";

/// Measures threads, connections and open calls.
pub(crate) fn run(plan: &Plan) -> Result<Page, Box<dyn Error>> {
    let (tables, goals) = [threads(plan)?, handlers(plan)?, connections(plan)?, held(plan)?]
        .into_iter()
        .unzip::<_, _, Vec<_>, Vec<_>>();
    Ok(Page {
        name: "scale",
        about: "The greeter where there is more of everything. Two threads share the load's core; with more connections, \
                and with more open calls, each read still brings as many calls.",
        tables,
        goals: goals.into_iter().flatten().collect(),
    })
}

/// A server on the same two cores with one thread, then with one for each of them.
fn threads(plan: &Plan) -> Result<(Table, Vec<Goal>), Box<dyn Error>> {
    let mut table = Table::new(format!("one thread and two, {MANY}"), COLUMNS, &[]);
    for _ in 0..plan.rounds {
        for name in [OURS, OURS_ON_THREADS, TONIC, TONIC_ON_THREADS] {
            let server = Server::start(contender::find(name)?, &[Core::Server, Core::Load])?;
            table.add(name, unary::sample(&server, plan, MANY)?);
        }
    }
    let cost = table.ratio(OURS_ON_THREADS, OURS, 0);
    Ok((table, vec![Goal::at_most("CPU per call on two threads, to that on one", 1.15, cost)]))
}

/// Handlers that compute, all of one connection, on one thread and on two.
fn handlers(plan: &Plan) -> Result<(Table, Vec<Goal>), Box<dyn Error>> {
    let caption = format!("handlers that compute {} µs, {COMPUTING}", COMPUTED.as_micros());
    let mut table = Table::new(caption, COLUMNS, &[]);
    for _ in 0..plan.rounds {
        for name in [OURS, OURS_ON_THREADS, TONIC, TONIC_ON_THREADS] {
            let server = Server::start(contender::find(name)?, &[Core::Server, Core::Load])?;
            table.add(name, unary::sample(&server, plan, COMPUTING)?);
        }
    }
    let more = table.ratio(OURS_ON_THREADS, OURS, CALLS_PER_SECOND);
    let work = "calls/s of one connection whose handlers compute, two threads to one";
    Ok((table, vec![Goal::at_least(work, 1.6, more).because(SHARED)]))
}

/// From few connections to many, as far as the limit of open files goes.
fn connections(plan: &Plan) -> Result<(Table, Vec<Goal>), Box<dyn Error>> {
    let files = open_files()?.saturating_sub(OTHER_FILES);
    let counts: Vec<usize> = CONNECTIONS.into_iter().filter(|count| *count <= files).collect();
    grow(
        "connections, a call on each",
        plan,
        plan.with_clients().chain(contender::find(LIMIT).ok()),
        &counts,
        |count| format!("{count} connections"),
        |contender, count| {
            let server = Server::start(contender, &[Core::Server])?;
            unary::sample(&server, plan, Shape::plain(count, 1))
        },
    )
}

/// From one open call to many, beside the calls that are measured.
fn held(plan: &Plan) -> Result<(Table, Vec<Goal>), Box<dyn Error>> {
    grow(
        "open calls beside c10m10",
        plan,
        plan.with_clients(),
        &HELD,
        |(lines, each)| format!("{} open calls", lines * each),
        |contender, (lines, each)| {
            let server = Server::start(contender, &[Core::Server])?;
            let _held = Process::hold(server.addr(), lines, each)?;
            unary::sample(&server, plan, Shape::plain(10, 10))
        },
    )
}

/// Rows for each contender and size, and how much more the last size costs than the first.
fn grow<S: Copy>(
    caption: &str,
    plan: &Plan,
    contenders: impl Iterator<Item = &'static Contender> + Clone,
    sizes: &[S],
    size: impl Fn(S) -> String,
    sample: impl Fn(&Contender, S) -> Result<Vec<f64>, Box<dyn Error>>,
) -> Result<(Table, Vec<Goal>), Box<dyn Error>> {
    let mut table = Table::new(caption, COLUMNS, &[]);
    let row = |name: &str, which: S| format!("{name}, {}", size(which));
    for _ in 0..plan.rounds {
        for contender in contenders.clone() {
            for which in sizes {
                let figures = sample(contender, *which)
                    .map_err(|error| format!("{}: {error}", row(contender.name, *which)))?;
                table.add(&row(contender.name, *which), figures);
            }
        }
    }
    let mut goals = Vec::new();
    if let (Some(first), Some(last)) = (sizes.first(), sizes.last()) {
        let cost = table.ratio(&row(OURS, *last), &row(OURS, *first), 0);
        let work = format!("CPU per call with {}, to {}", size(*last), size(*first));
        goals.push(Goal::at_most(work, 1.5, cost).because(CACHES));
    }
    Ok((table, goals))
}

/// How many files a process may have open. Linux only.
fn open_files() -> Result<usize, Box<dyn Error>> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("the system says no limit of open files")?;
    Ok(if soft == "unlimited" { usize::MAX } else { soft.parse()? })
}
