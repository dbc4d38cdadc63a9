//! A unary greeter: what one call costs the server.

use std::error::Error;
use std::time::Duration;

use crate::contender::{self, H2, LIMIT, OURS, TONIC};
use crate::cores::Core;
use crate::load::{Generator, Latency, Load, Shape};
use crate::plan::Plan;
use crate::process::Server;
use crate::report::{Column, Goal, Page, Table};
use crate::wire::requests::Calls;
use crate::{measure, probe};

const C1M1: Shape = Shape::plain(1, 1);
const C1M100: Shape = Shape::plain(1, 100);
const C10M10: Shape = Shape::plain(10, 10);
const C50M20: Shape = Shape::plain(50, 20);
const VARIED: Shape = Shape { connections: 1, in_flight: 100, calls: Calls::Varied };

pub(crate) const COLUMNS: &[Column] = &[
    Column { head: "server CPU µs per call", digits: 2 },
    Column { head: "calls/s", digits: 0 },
    Column { head: "p50 µs", digits: 1 },
    Column { head: "p99 µs", digits: 1 },
    Column { head: "RSS KiB", digits: 0 },
];
/// Which of them is which.
pub(crate) const CALLS_PER_SECOND: usize = 1;
const P50: usize = 2;
const P99: usize = 3;

/// Calls that warm a server up and tell the pace of the machine.
const WARM_UP: u64 = 5_000;

const KERNEL: &str = "\
a call that comes alone is three system calls, to read, to write and to wait, and nearly all of it is theirs: the limit, which \
does nothing else, is the row to compare with. Done: no read after a short one (on async-io twelve system calls became three); \
head, message and trailers in one write; a timer that is set again only when it must be earlier; reads into one buffer of the \
thread. On threads that block, `polling` adds four system calls, which arm a socket and a timer again for each wait. To close \
it: fewer system calls than three, as io_uring has them, or to wait busily.";
const MANY_STEPS: &str = "\
of the time of a call a quarter is the kernel's, whose part is that of the limit. The rest is some 9,000 instructions (see \
below), a sixth of them the handler's and prost's, and what is left is spread over seventy functions of which none has a \
twentieth but the one that copies memory. Tried, with what each brought in notes.md: whole blocks and the beginnings of \
sections remembered; responses as one item that leaves in one pass; head and message taken with their event, under one lock; \
lines judged once and kept with their judgement; the records of streams left and reset in one step. To close it: one pass from \
frame to handler for calls that come whole, without the two tables and the two queues of events between HTTP/2 and gRPC. That \
is another core; and a program that is built with `lto = \"fat\"` and `codegen-units = 1` has 6% fewer of them today.";

/// Measures every contender in every shape, in turn.
pub(crate) fn run(plan: &Plan) -> Result<Page, Box<dyn Error>> {
    let mut shapes = vec![C1M1, C1M100, C10M10, C50M20];
    if plan.generator == Generator::Ours {
        shapes.push(VARIED);
    }
    let mut tables = Vec::new();
    for shape in shapes {
        let mut table = Table::new(format!("unary, {shape}"), COLUMNS, &[TONIC, H2, LIMIT]);
        // In turn: what disturbs the machine for a while disturbs all of them.
        for _ in 0..plan.rounds {
            for contender in &plan.contenders {
                let server = Server::start(contender, &[Core::Server])?;
                let figures = sample(&server, plan, shape)
                    .map_err(|error| format!("{}, {shape}: {error}", contender.name))?;
                table.add(contender.name, figures);
            }
        }
        tables.push(table);
    }
    let goals = goals(&tables);
    Ok(Page {
        name: "unary",
        about: "A greeter server of each contender, pinned to one core and loaded from another: so many connections \
                (c) with so many calls in flight on each (m). In varied calls timeout and request id differ each time.",
        tables,
        goals,
    })
}

/// What one measurement gives, as [`COLUMNS`].
pub(crate) fn sample(server: &Server, plan: &Plan, shape: Shape) -> Result<Vec<f64>, Box<dyn Error>> {
    probe::greeter(server.addr())?;
    let load = |calls| Load::unary(plan.generator, server.addr(), shape, calls);
    let least = WARM_UP.max((shape.connections * shape.in_flight) as u64);
    let load = load(load(least)?.play()?.count_in(plan.length).max(least))?;
    let before = measure::cpu_time(server.id())?;
    let outcome = load.play()?;
    let used = measure::cpu_time(server.id())? - before;
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    let latency = |of: fn(Latency) -> Duration| outcome.latency.map_or(f64::NAN, |it| micros(of(it)));
    Ok(vec![
        micros(used) / outcome.count as f64,
        outcome.per_second(),
        latency(|latency| latency.p50),
        latency(|latency| latency.p99),
        measure::resident_kib(server.id())? as f64,
    ])
}

fn goals(tables: &[Table]) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut add = |shape: Shape, name: &str, reference: &str, column: usize, most: f64| {
        let caption = format!("unary, {shape}");
        let table = tables.iter().find(|table| table.caption == caption);
        let what = match column {
            P50 => "p50",
            P99 => "p99",
            _ => "CPU per call",
        };
        let work = format!("{shape}, {what}: {name} to {reference}");
        let goal = Goal::at_most(work, most, table.and_then(|table| table.ratio(name, reference, column)));
        goals.push(goal.because(if shape == C1M1 { KERNEL } else { MANY_STEPS }));
    };
    add(C1M100, OURS, TONIC, 0, 0.125);
    add(C1M100, OURS, H2, 0, 0.2);
    add(C10M10, OURS, TONIC, 0, 0.2);
    add(C50M20, OURS, TONIC, 0, 0.125);
    add(C1M1, OURS, TONIC, 0, 0.5);
    add(C1M1, OURS, LIMIT, 0, 1.4);
    for shape in [C1M1, C1M100, C10M10, C50M20] {
        for name in [contender::OURS_ON_SMOL, contender::OURS_ON_ASYNC_STD] {
            add(shape, name, OURS, 0, if shape == C1M1 { 1.5 } else { 1.3 });
        }
        add(shape, contender::OURS_ON_BLOCKING, TONIC, 0, 0.5);
    }
    add(C1M1, OURS, LIMIT, P50, 1.3);
    add(C1M1, OURS, LIMIT, P99, 1.3);
    goals
}
