//! What the contenders' own clients do: streams and large messages with their own servers, greetings with the limit.

use std::error::Error;
use std::time::Duration;

use crate::contender::{self, Contender, ECHOED, Exchange, LIMIT, OURS, TONIC};
use crate::cores::Core;
use crate::load::{Load, Outcome};
use crate::measure;
use crate::plan::Plan;
use crate::process::Server;
use crate::report::{Column, Goal, Page, Table};

/// Messages of one stream, at least: what begins and ends it is nothing beside them.
const MESSAGES: u64 = 3_000_000;

/// A measurement of one contender's client.
struct Exchanged {
    outcome: Outcome,
    server_cpu: Duration,
}

impl Exchanged {
    /// Work done in a CPU second of the server, then of the client, then in a second; a unit is that many counts.
    fn paces(&self, unit: f64) -> Vec<f64> {
        let done = self.outcome.count as f64 * unit;
        let client = self.outcome.cpu.unwrap_or_default();
        [self.server_cpu, client, self.outcome.took].map(|time| done / time.as_secs_f64()).to_vec()
    }
}

/// Plays `exchange` between a contender's client and `server`, after a little of it to warm up.
fn play(
    contender: &Contender,
    server: &Contender,
    exchange: Exchange,
    count: impl Fn(&Outcome) -> u64,
) -> Result<Exchanged, Box<dyn Error>> {
    let server = Server::start(server, &[Core::Server])?;
    let few = match exchange {
        Exchange::Greet { .. } => 2_000,
        Exchange::Download => 100_000,
        Exchange::Echo => 20,
    };
    let load = |count| Load::client(contender, server.addr(), exchange, count);
    let load = load(count(&load(few)?.play()?).max(few))?;
    let before = measure::cpu_time(server.id())?;
    let outcome = load.play()?;
    Ok(Exchanged { outcome, server_cpu: measure::cpu_time(server.id())? - before })
}

/// The contenders that have a client, in turn, as often as the plan says.
fn in_turn(
    plan: &Plan,
    table: &mut Table,
    figures: impl Fn(&Contender) -> Result<Vec<f64>, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    for _ in 0..plan.rounds {
        for contender in plan.with_clients() {
            let figures = figures(contender).map_err(|error| format!("{}: {error}", contender.name))?;
            table.add(contender.name, figures);
        }
    }
    Ok(())
}

const SENT: &str = "\
half of the server's time is the kernel's, which copies each octet, and a tenth is the stream's own, which makes the messages; what \
is left for us is about 25 ns a message. Tried: batches that change hands whole; messages encoded where they leave from; writes of \
256 KiB; windows told of by eighths. To close it: writes that the kernel does not copy (`MSG_ZEROCOPY`), or longer ones, for which a \
slow reader would hold more memory.";
const RECEIVED: &str = "\
a quarter to a third is the kernel's. Of the rest most is prost's and that of the handles to shared memory which a field of type `Bytes` is: the \
machine waits when a handle is moved just after half of it was written, three times for each message. Tried: batches without a lock; \
reads of 256 KiB; messages decoded where they came, without a handle for each (one wait less in our code, one more in prost's, the \
same time). To close it: a decoder that slices the batch by numbers, which prost's `Buf` has no place for.";
const ALONE: &str = "\
as with the server: three system calls for each call, and a task to be woken. Done: head, message and end leave in one write; a call \
has no task of its own; its answer is decoded by whoever waits for it; nothing is read after a short read. To close it: fewer system \
calls than three.";
const TOGETHER: &str = "\
what one call costs is some 13,500 instructions, a task of the runtime's for each call included, spread thin. Tried, with what each \
brought in notes.md: what calls have in common copied from the last one, with its block; four blocks of answers remembered; metadata \
judged and allocated once; small messages put together on the stack; memory of heads for more calls. To close it: what would close \
it for the server, and a call that starts, sends and ends its request with one command.";

/// One call that answers with messages of 100 bytes.
pub(crate) fn stream(plan: &Plan) -> Result<Page, Box<dyn Error>> {
    const COLUMNS: &[Column] = &[
        Column { head: "million messages per CPU second of the server", digits: 2 },
        Column { head: "of the client", digits: 2 },
        Column { head: "million messages/s", digits: 2 },
    ];
    let mut table = Table::new("server streaming, messages of 100 bytes", COLUMNS, &[TONIC]);
    in_turn(plan, &mut table, |contender| {
        let count = |outcome: &Outcome| outcome.count_in(plan.length).max(MESSAGES);
        Ok(play(contender, contender, Exchange::Download, count)?.paces(1e-6))
    })?;
    let goals = vec![
        Goal::at_least("messages per CPU second of the server, to tonic's", 2.0, table.ratio(OURS, TONIC, 0))
            .because(SENT),
        Goal::at_least("messages per CPU second of the client, to tonic's", 2.0, table.ratio(OURS, TONIC, 1))
            .because(RECEIVED),
    ];
    Ok(Page {
        name: "stream",
        about: "One call whose answer is a stream of messages of 100 bytes, at least 3 million of them, from a contender's \
                server to its own client.",
        tables: vec![table],
        goals,
    })
}

/// Large messages, there and back.
pub(crate) fn large(plan: &Plan) -> Result<Page, Box<dyn Error>> {
    const COLUMNS: &[Column] = &[
        Column { head: "MiB echoed per CPU second of the server", digits: 0 },
        Column { head: "of the client", digits: 0 },
        Column { head: "MiB/s", digits: 0 },
    ];
    let mut table = Table::new("echo of 1 MiB, one call in flight", COLUMNS, &[TONIC]);
    in_turn(plan, &mut table, |contender| {
        let count = |outcome: &Outcome| outcome.count_in(plan.length);
        Ok(play(contender, contender, Exchange::Echo, count)?.paces(ECHOED as f64 / f64::from(1 << 20)))
    })?;
    let goals = vec![
        Goal::at_least("MiB per CPU second of the server, to tonic's", 1.5, table.ratio(OURS, TONIC, 0)),
        Goal::at_least("MiB per CPU second of the client, to tonic's", 1.5, table.ratio(OURS, TONIC, 1)),
    ];
    Ok(Page {
        name: "large",
        about: "A unary call that sends a message of 1 MiB and gets it back, from a contender's client to its own server; \
                counted is one way.",
        tables: vec![table],
        goals,
    })
}

/// Greetings of the contenders' clients, answered by the limit.
pub(crate) fn client(plan: &Plan) -> Result<Page, Box<dyn Error>> {
    const COLUMNS: &[Column] =
        &[Column { head: "client CPU µs per call", digits: 2 }, Column { head: "calls/s", digits: 0 }];
    let limit = contender::find(LIMIT)?;
    let (mut tables, mut goals) = (Vec::new(), Vec::new());
    for (in_flight, most) in [(1, 0.5), (100, 0.2)] {
        let mut table = Table::new(format!("client, {in_flight} in flight"), COLUMNS, &[TONIC]);
        in_turn(plan, &mut table, |contender| {
            let count = |outcome: &Outcome| outcome.count_in(plan.length);
            let Exchanged { outcome, .. } = play(contender, limit, Exchange::Greet { in_flight }, count)?;
            let cpu = outcome.cpu.unwrap_or_default();
            Ok(vec![cpu.as_secs_f64() * 1e6 / outcome.count as f64, outcome.per_second()])
        })?;
        let work = format!("client CPU per call, {in_flight} in flight, to tonic's");
        let goal = Goal::at_most(work, most, table.ratio(OURS, TONIC, 0));
        goals.push(goal.because(if in_flight == 1 { ALONE } else { TOGETHER }));
        tables.push(table);
    }
    Ok(Page {
        name: "client",
        about: "Unary greetings of a contender's client over one connection, answered by the limit.",
        tables,
        goals,
    })
}
