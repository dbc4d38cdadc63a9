//! unwired and its peers on the same work in one run: `cargo run --release -p unwired-bench -- unary`.

mod contender;
mod cores;
mod instructions;
mod load;
mod measure;
mod probe;
mod process;
mod report;
mod unary;

/// What `tonic-prost-build` makes of `helloworld.proto`.
#[allow(missing_docs, unreachable_pub, clippy::use_self, clippy::wildcard_imports)]
mod stubs {
    tonic::include_proto!("helloworld");
}

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use contender::Contender;

const USAGE: &str = "\
usage: unwired-bench unary [--rounds N] [--seconds N] [--only NAME,NAME]
       unwired-bench instructions [NAME]

  unary         a greeter server of each contender, pinned to one core and loaded from another
  instructions  what a call, and a streamed message, costs in instructions and allocations (valgrind), and whether that is
                within its bound; NAME is the beginning of the names of some work

  --rounds   how often each contender is measured, in turn with the others; the median counts (5)
  --seconds  how long one measurement is (2)
  --only     contenders by name, where not all are wanted";

/// How much and against whom.
struct Plan {
    rounds: usize,
    length: Duration,
    contenders: Vec<&'static Contender>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["unary", ref options @ ..] => plan(options).and_then(|plan| unary::run(&plan)),
        ["instructions"] => instructions::run(""),
        ["instructions", only] => instructions::run(only),
        // What `instructions` counts.
        ["work", name, rounds] => instructions::work(name, rounds),
        // What `process::Server` starts.
        ["serve", name] => contender::find(name).and_then(|contender| (contender.serve)(&announce)),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn plan(mut options: &[&str]) -> Result<Plan, Box<dyn Error>> {
    let mut plan =
        Plan { rounds: 5, length: Duration::from_secs(2), contenders: contender::ALL.iter().collect() };
    while let [option, rest @ ..] = options {
        let [value, rest @ ..] = rest else { return Err(USAGE.into()) };
        match *option {
            "--rounds" => plan.rounds = value.parse::<usize>()?.max(1),
            "--seconds" => plan.length = Duration::try_from_secs_f64(value.parse()?)?,
            "--only" => plan.contenders = value.split(',').map(contender::find).collect::<Result<_, _>>()?,
            _ => return Err(USAGE.into()),
        }
        options = rest;
    }
    Ok(plan)
}

/// Tells the process that started this one where to connect.
fn announce(addr: std::net::SocketAddr) {
    println!("{}{addr}", process::ANNOUNCEMENT);
}
