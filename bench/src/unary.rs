//! A unary greeter: what one call costs the server.

use std::error::Error;
use std::time::Duration;

use crate::load::{self, Shape};
use crate::process::Server;
use crate::report::{Sample, Table};
use crate::{Plan, contender, cores, measure, probe};

const SHAPES: [Shape; 2] =
    [Shape { connections: 1, in_flight: 100 }, Shape { connections: 10, in_flight: 10 }];

/// Calls that warm a server up and tell the pace of the machine.
const WARM_UP: u64 = 5_000;

/// Measures every contender in every shape, in turn, and prints a table for each shape.
pub(crate) fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    if !cores::can_pin() {
        println!(
            "Server and load share their cores here (one core, or no taskset): read the figures with care.\n"
        );
    }
    for shape in SHAPES {
        let mut table =
            Table::new(plan.contenders.iter().map(|contender| contender.name), contender::REFERENCE);
        // In turn: what disturbs the machine for a while disturbs all of them.
        for _ in 0..plan.rounds {
            for contender in &plan.contenders {
                table.add(contender.name, sample(&Server::start(contender)?, shape, plan.length)?);
            }
        }
        println!("unary, {shape}\n\n{table}");
    }
    Ok(())
}

fn sample(server: &Server, shape: Shape, length: Duration) -> Result<Sample, Box<dyn Error>> {
    probe::greeter(server.addr())?;
    let calls = load::unary(server.addr(), shape, WARM_UP)?.calls_in(length).max(WARM_UP);
    let before = measure::cpu_time(server.id())?;
    let served = load::unary(server.addr(), shape, calls)?;
    let used = measure::cpu_time(server.id())? - before;
    let calls = served.calls as f64;
    Ok(Sample { cpu_micros: used.as_secs_f64() * 1e6 / calls, per_second: calls / served.took.as_secs_f64() })
}
