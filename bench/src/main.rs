//! unwired and its peers on the same work in one run: `cargo run --release -p unwired-bench -- unary`.

mod build;
mod contender;
mod cores;
mod exchange;
mod instructions;
mod load;
mod machine;
mod measure;
mod memory;
mod plan;
mod probe;
mod process;
mod report;
mod scale;
mod stubs;
mod unary;
mod wire;

use std::error::Error;
use std::process::ExitCode;

use plan::Plan;
use report::Page;

const USAGE: &str = "\
usage: unwired-bench all|unary|stream|large|client|memory|scale|build [OPTION VALUE]...
       unwired-bench instructions [NAME]

  all           all of the following
  unary         a greeter server of each contender, pinned to one core and loaded from another; grpc++ and grpcio are among them
                where bench/peers/build has built them
  stream        one call that answers with at least 3 million messages of 100 bytes, to the contender's own client
  large         messages of 1 MiB there and back, with the contender's own client
  client        greetings of the contender's own client, answered by a server that does no work
  memory        what idle connections, and idle open calls, take
  scale         the greeter with one thread and two, with more connections, with more open calls
  build         how long a greeter server takes to be built, and of what: at most twice each, minutes a time; tonic's with protoc
                where one is installed
  instructions  what a call, and a streamed message, costs in instructions and allocations (valgrind), and whether that is
                within its bound; NAME is the beginning of the names of some work

  --rounds   how often each contender is measured, in turn with the others; the median counts (5)
  --seconds  how long one measurement is (2)
  --only     contenders by name, where not all are wanted (scale compares threads of ours and of tonic, whatever it says)
  --load     what makes unary calls (ours); h2load is that of nghttp2
  --pages    the folder where pages and plots are written (docs/benchmarks)";

/// Measures one kind of work.
type Mode = fn(&Plan) -> Result<Page, Box<dyn Error>>;

/// Each kind of work by its name, in the order of the report.
const MODES: &[(&str, Mode)] = &[
    ("unary", unary::run),
    ("stream", exchange::stream),
    ("large", exchange::large),
    ("client", exchange::client),
    ("memory", memory::run),
    ("scale", scale::run),
    ("build", build::run),
    // By itself it counts more, and has bounds to hold.
    ("instructions", instructions::page),
];

fn main() -> ExitCode {
    match build::compiler::stand_in() {
        Some(Ok(code)) => return code,
        Some(Err(error)) => return failed(&*error),
        None => {}
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["instructions"] => instructions::run(""),
        ["instructions", only] => instructions::run(only),
        // What `instructions` counts.
        ["work", name, rounds] => instructions::work(name, rounds),
        // What `process::Server` starts, and what loads it.
        ["serve", name] => contender::find(name).and_then(|contender| (contender.serve)(&announce)),
        ["load", ref args @ ..] => load::make(args),
        [mode, ref options @ ..] => bench(mode, options),
        [] => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&*error),
    }
}

fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

/// Measures, prints and writes down.
fn bench(mode: &str, options: &[&str]) -> Result<(), Box<dyn Error>> {
    let Some(plan) = Plan::read(options)? else { return Err(USAGE.into()) };
    if mode == "all" {
        let mut pages = Vec::new();
        for (_, run) in MODES {
            let page = run(&plan)?;
            page.publish(&plan)?;
            pages.push(page);
        }
        return Ok(report::summary(&pages, &plan)?);
    }
    let (_, run) = MODES.iter().find(|(name, _)| *name == mode).ok_or(USAGE)?;
    let page = run(&plan)?;
    page.publish(&plan)?;
    Ok(page.renew_summary(&plan)?)
}

/// Tells the process that started this one where to connect.
fn announce(addr: std::net::SocketAddr) {
    println!("{}{addr}", process::ANNOUNCEMENT);
}
