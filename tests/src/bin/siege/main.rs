//! Known attacks over real sockets against any cleartext gRPC server on this machine, beside a neighbour who does no harm:
//! `cargo run --release -p unwired-tests --bin siege -- --help`.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `resets`, `floods`, `headers`, `smuggling`, `messages` | the attacks, by the first letter of their ids: R, F, H, S, G |
//! | `attack` | what an attack is, how it is played, what became of it |
//! | `hostile`, `wire`, `seen` | the attacker's connection, what it writes, what it reads |
//! | `neighbour`, `server`, `report`, `options` | who is watched, the table, the command line |

mod attack;
mod floods;
mod headers;
mod hostile;
mod messages;
mod neighbour;
mod options;
mod report;
mod resets;
mod seen;
mod server;
mod smuggling;
mod wire;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use attack::Attack;
use neighbour::{Client, Neighbour};
use options::{Asked, Options};
use report::Row;

fn main() -> ExitCode {
    match options::parse(std::env::args().skip(1)) {
        Ok(Asked::Help) => println!("{}", options::USAGE),
        Ok(Asked::List) => list(),
        Ok(Asked::Siege(options)) => match besiege(&options) {
            Ok(broken) if broken && options.strict => return ExitCode::FAILURE,
            Ok(_) => {}
            Err(error) => return complain(&error),
        },
        Err(error) => return complain(&error),
    }
    ExitCode::SUCCESS
}

fn complain(error: &str) -> ExitCode {
    eprintln!("siege: {error} (`siege --help` lists the options)");
    ExitCode::from(2)
}

fn list() {
    for attack in attack::all() {
        println!("{}: {}", attack.id, attack.what);
    }
    for (id, why) in attack::NOT_PLAYED {
        println!("{id}: not played: {why}");
    }
}

/// Plays all that is asked for, and answers whether the server broke a rule.
fn besiege(options: &Options) -> Result<bool, String> {
    println!("{}", report::HEAD);
    let mut broken = false;
    for attack in &options.attacks {
        let mut row = Row::new(attack);
        for _ in 0..options.rounds {
            play(attack, options, &mut row)?;
        }
        println!("{}", row.markdown());
        broken |= row.is_broken();
    }
    for (id, why) in attack::NOT_PLAYED {
        println!("| {id} | not played: {why} | | | | | | | |");
    }
    Ok(broken)
}

/// Calls before anything is measured: connections are made, memory is as it stays.
const WARM_UP: Duration = Duration::from_millis(300);
/// How long the neighbour is alone, for comparison, where the attack lasts no less.
const ALONE: Duration = Duration::from_secs(1);

fn play(attack: &'static Attack, options: &Options, row: &mut Row) -> Result<(), String> {
    let server = options.target.server()?;
    let gone = |error| format!("the server at {} is not to be had: {error}", server.address);
    Client::connect(server.address).and_then(|mut client| client.greet()).map_err(gone)?;
    let mut neighbour = Neighbour::start(server.address, options.rate);
    thread::sleep(WARM_UP);
    neighbour.take();
    thread::sleep(ALONE.min(options.length));
    let before = neighbour.take();
    if let Some(failure) = before.failure {
        return Err(format!("the server does not serve its neighbour in peace: {failure}"));
    }
    let memory = server.watch_memory().map_err(|error| format!("cannot see the server's memory: {error}"))?;

    let account = attack::play(attack, server.address, Instant::now() + options.length);

    let during = neighbour.take();
    let growth = match (memory, server.peak_memory()) {
        (Some(memory), Ok(Some(peak))) => Some(peak.saturating_sub(memory)),
        _ => None,
    };
    if let Err(error) = Client::connect(server.address).and_then(|mut client| client.greet()) {
        row.broken(format!("serves nobody afterwards: {error}"));
    }
    row.add(account, growth, before, during);
    Ok(())
}
