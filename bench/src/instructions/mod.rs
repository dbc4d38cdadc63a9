//! What the machine does for one call, counted: user instructions (callgrind) and allocations (memcheck), both the same
//! in every run. No socket and no other process is in the way: bytes that a peer would send are there already.

mod core_work;
mod flow;
mod runtime;
mod runtime_work;

use std::error::Error;
use std::process::{Command, Stdio};

use self::core_work::{Crowd, ONE_BY_ONE};
use crate::plan::Plan;
use crate::report::{Column, Goal, Page, Table};
use crate::wire::answers::MESSAGES;
use crate::wire::requests::{self, Calls};

/// Calls that are in flight at a time; they arrive with one read.
const IN_FLIGHT: usize = 100;
/// Rounds that warm up, and rounds with those to be measured: what is measured is the difference.
const ROUNDS: [usize; 2] = [20, 60];

/// One thing to be done over and over.
struct Work {
    name: &'static str,
    what: &'static str,
    /// Units of work, calls or messages, in one round.
    units: usize,
    /// Does so many rounds of it; the second number is how much it prepares, the same however much is done.
    run: fn(usize, usize),
    /// What one unit may cost: instructions, and hundredths of an allocation.
    bound: (u64, u64),
}

impl Work {
    /// Instructions of one unit, and hundredths of an allocation.
    fn count(&self) -> Result<(u64, u64), Box<dyn Error>> {
        let units = (self.units * (ROUNDS[1] - ROUNDS[0])) as u64;
        Ok((difference(self, instructions)? / units, difference(self, allocations)? * 100 / units))
    }
}

/// Greetings that come alone, where there is less of everything and more.
const FEW_CONNECTIONS: &str = "among-few-connections";
const MANY_CONNECTIONS: &str = "among-many-connections";
const MANY_CALLS: &str = "among-many-calls";
/// What one of them may cost, wherever.
const ALONE: u64 = 6_600;

const WORK: &[Work] = &[
    Work {
        name: "core-server-plain",
        what: "core, server: greeter",
        units: IN_FLIGHT,
        run: |rounds, of| core_work::serve(&requests::requests(Calls::Plain, of, IN_FLIGHT), rounds),
        bound: (5_900, 110),
    },
    Work {
        name: "core-server-varied",
        what: "core, server: greeter, another timeout and id in each call",
        units: IN_FLIGHT,
        run: |rounds, of| core_work::serve(&requests::requests(Calls::Varied, of, IN_FLIGHT), rounds),
        bound: (9_900, 110),
    },
    Work {
        name: "core-server-stream",
        what: "core, server: a message of 100 bytes sent",
        units: MESSAGES,
        run: |rounds, _| core_work::send_stream(rounds),
        bound: (630, 10),
    },
    Work {
        name: FEW_CONNECTIONS,
        what: "core, server: greeter, one with each read, on 10 connections",
        units: ONE_BY_ONE,
        run: |rounds, _| core_work::serve_among(Crowd { connections: 10, open: 0 }, rounds),
        bound: (ALONE, 110),
    },
    Work {
        name: MANY_CONNECTIONS,
        what: "the same on 10,000 connections",
        units: ONE_BY_ONE,
        run: |rounds, _| core_work::serve_among(Crowd { connections: 10_000, open: 0 }, rounds),
        bound: (ALONE, 110),
    },
    Work {
        name: MANY_CALLS,
        what: "the same on 1,000 connections with 100 open calls on each",
        units: ONE_BY_ONE,
        run: |rounds, _| core_work::serve_among(Crowd { connections: 1_000, open: 100 }, rounds),
        bound: (ALONE, 110),
    },
    Work {
        name: "core-client-plain",
        what: "core, client: greeter",
        units: IN_FLIGHT,
        run: |rounds, _| core_work::call(Calls::Plain, rounds),
        bound: (8_600, 155),
    },
    Work {
        name: "core-client-varied",
        what: "core, client: greeter, another timeout and id in each call",
        units: IN_FLIGHT,
        run: |rounds, _| core_work::call(Calls::Varied, rounds),
        bound: (16_600, 600),
    },
    Work {
        name: "core-client-stream",
        what: "core, client: a message of 100 bytes received",
        units: MESSAGES,
        run: |rounds, _| core_work::receive_stream(rounds),
        bound: (1_125, 25),
    },
    Work {
        name: "server-plain",
        what: "server with handlers and prost: greeter",
        units: IN_FLIGHT,
        run: |rounds, of| runtime_work::serve(requests::requests(Calls::Plain, of, IN_FLIGHT), rounds),
        bound: (9_650, 530),
    },
    Work {
        name: "server-varied",
        what: "server with handlers and prost: greeter, another timeout and id in each call",
        units: IN_FLIGHT,
        run: |rounds, of| runtime_work::serve(requests::requests(Calls::Varied, of, IN_FLIGHT), rounds),
        bound: (13_600, 530),
    },
    Work {
        name: "server-stream",
        what: "server with handlers and prost: a message of 100 bytes sent",
        units: MESSAGES,
        run: |rounds, _| runtime_work::send_stream(rounds),
        bound: (560, 110),
    },
    Work {
        name: "client-plain",
        what: "channel with stubs and prost: greeter, a task for each call",
        units: IN_FLIGHT,
        run: |rounds, _| runtime_work::call(rounds),
        bound: (14_250, 595),
    },
    Work {
        name: "client-stream",
        what: "channel with stubs and prost: a message of 100 bytes received",
        units: MESSAGES,
        run: |rounds, _| runtime_work::receive_stream(rounds),
        bound: (1_404, 110),
    },
];

const LAYERS: &str = "\
of some 9,000, by the function in which they are: HTTP/2 2,800 (frames, states, windows and limits of two frames in and three \
out), HPACK 200, gRPC's machines 2,000, the way to the handler and back 1,400, the allocator 800 (three of five allocations \
are prost's and the handler's), copies of memory 550; handler, prost and what they call are the rest. With another timeout in \
each call HPACK takes 3,000: lines that enter the table, and Huffman codes. Tried, with what each brought in notes.md: 15,923 \
before, by blocks and literals remembered, answers in one pass, memory used again, names looked up as octets; the head and \
message with their event; the records of streams reset in one step. To close it: see `unary`.";

/// Counts all of the work, or that whose name begins with `only`, and says what is over its bound.
pub(crate) fn run(only: &str) -> Result<(), Box<dyn Error>> {
    if !is_there() {
        println!("valgrind is not there: nothing is counted (Debian: apt-get install valgrind)");
        return Ok(());
    }
    println!("| work | instructions | bound | allocations | bound |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let mut over = Vec::new();
    for work in WORK.iter().filter(|work| work.name.starts_with(only)) {
        let (instructions, hundredths) = work.count()?;
        let (most, most_hundredths) = work.bound;
        println!(
            "| {} | {instructions} | {most} | {} | {} |",
            work.what,
            decimal(hundredths),
            decimal(most_hundredths)
        );
        if instructions > most || hundredths > most_hundredths {
            over.push(work.name);
        }
    }
    if over.is_empty() { Ok(()) } else { Err(format!("over the bound: {}", over.join(", ")).into()) }
}

/// What the whole server does for a call, as a page beside the measurements; nothing is counted without valgrind.
pub(crate) fn page(_: &Plan) -> Result<Page, Box<dyn Error>> {
    const COLUMNS: &[Column] = &[
        Column { head: "user instructions per call", digits: 0 },
        Column { head: "allocations", digits: 2 },
    ];
    let mut table = Table::new("a greeting at the server", COLUMNS, &[]);
    let mut goals = Vec::new();
    for work in WORK.iter().filter(|work| work.name.starts_with("server-") && work.units == IN_FLIGHT) {
        if is_there() {
            let (instructions, hundredths) = work.count()?;
            table.add(work.name, vec![instructions as f64, hundredths as f64 / 100.0]);
        }
        let instructions = format!("user instructions: {}", work.what);
        goals.push(Goal::at_most(instructions, 5_000.0, table.median(work.name, 0)).because(LAYERS));
        // Theirs are the request's name and the reply's text, before and after it is encoded.
        let allocations = format!("allocations, 3 of them of handler and prost: {}", work.what);
        goals.push(Goal::at_most(allocations, 4.0 + 3.0, table.median(work.name, 1)));
    }
    let mut growth = Table::new("a greeting where there is more of everything", COLUMNS, &[]);
    for name in [FEW_CONNECTIONS, MANY_CONNECTIONS, MANY_CALLS].into_iter().filter(|_| is_there()) {
        let (instructions, hundredths) = find(name)?.count()?;
        growth.add(name, vec![instructions as f64, hundredths as f64 / 100.0]);
    }
    for (name, work) in [
        (MANY_CONNECTIONS, "user instructions at the core with 10,000 connections, to 10"),
        (MANY_CALLS, "user instructions at the core with 100,000 open calls, to none"),
    ] {
        goals.push(Goal::at_most(work, 1.1, growth.ratio(name, FEW_CONNECTIONS, 0)));
    }
    Ok(Page {
        name: "instructions",
        about: "What the server with handlers and prost does for one greeting, counted by valgrind: the same in every run. \
                Where there is more of everything it is the core alone, and each greeting comes with a read of its own.",
        tables: vec![table, growth],
        goals,
    })
}

/// Does the work of that name: what [`run`] starts under valgrind.
pub(crate) fn work(name: &str, rounds: &str) -> Result<(), Box<dyn Error>> {
    let work = find(name)?;
    let rounds: usize = rounds.parse()?;
    (work.run)(rounds, rounds.max(ROUNDS[1]));
    Ok(())
}

fn find(name: &str) -> Result<&'static Work, Box<dyn Error>> {
    WORK.iter().find(|work| work.name == name).ok_or_else(|| format!("no work is called {name}").into())
}

fn decimal(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn is_there() -> bool {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// By how much `count` is higher for more rounds.
fn difference(work: &Work, count: Count) -> Result<u64, Box<dyn Error>> {
    let [less, more] = ROUNDS.map(|rounds| count(work, rounds));
    Ok(more?.saturating_sub(less?))
}

type Count = fn(&Work, usize) -> Result<u64, Box<dyn Error>>;

fn instructions(work: &Work, rounds: usize) -> Result<u64, Box<dyn Error>> {
    let said = valgrind(&["--tool=callgrind", "--callgrind-out-file=/dev/null"], work, rounds)?;
    figure(&said, "Collected : ", "")
}

fn allocations(work: &Work, rounds: usize) -> Result<u64, Box<dyn Error>> {
    let quick = ["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"];
    let said = valgrind(&quick, work, rounds)?;
    figure(&said, "total heap usage: ", " allocs")
}

/// What valgrind says of the work.
fn valgrind(options: &[&str], work: &Work, rounds: usize) -> Result<String, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(options)
        .arg(std::env::current_exe()?)
        .args(["work", work.name, &rounds.to_string()])
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("{} failed:\n{said}", work.name).into()) }
}

/// The number between `before` and `after`; commas are left out of it.
fn figure(said: &str, before: &str, after: &str) -> Result<u64, Box<dyn Error>> {
    let found = said.split(before).nth(1).and_then(|rest| rest.lines().next());
    let text = found.and_then(|line| if after.is_empty() { Some(line) } else { line.split(after).next() });
    let text = text.ok_or_else(|| format!("valgrind did not say {before:?}:\n{said}"))?;
    Ok(text.trim().replace(',', "").parse()?)
}
