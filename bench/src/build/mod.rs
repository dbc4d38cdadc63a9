//! How long a greeter server takes to be built when nothing has been built before, and of what it is built.

pub(crate) mod compiler;
mod greeter;

use std::collections::BTreeMap;
use std::error::Error;

use compiler::Spent;
use greeter::{Greeter, Stubs};

use crate::contender::{OURS, TONIC};
use crate::plan::Plan;
use crate::report::{Column, Goal, Page, Table};

const COLUMNS: &[Column] = &[
    Column { head: "wall s", digits: 1 },
    Column { head: "CPU s", digits: 1 },
    Column { head: "crates", digits: 0 },
    Column { head: "binary KiB", digits: 0 },
    Column { head: "stripped KiB", digits: 0 },
];
const STRIPPED: usize = 4;

const SPLIT: &[Column] = &[Column { head: "CPU s", digits: 2 }, Column { head: "wall s", digits: 2 }];

/// A build takes minutes, and varies less than a call.
const MOST_ROUNDS: usize = 2;
/// Those of its crates that a page names.
const LARGEST: usize = 12;

const CHECKED_IN: &str = "\
a quarter of our time is the crate `unwired` and a seventh `unwired-core`; tokio, which both have, is as much. Done: `nix` left out \
(32 packages became 26, where tonic's are 65); what was compiled eleven times in the channel compiled once; vectors instead of trees \
of six types, a sixth of `unwired`; no default feature that a greeter does not need. To close it: a generator that writes out what \
prost's derive makes (a ninth of all is the derive and what it needs).";
const GENERATED: &str = "\
the generator reads .proto files without protoc, so protox is compiled, where tonic's build starts a program that is there. Done: as \
above. To close it: a parser with less behind it than two versions of logos.";

/// Builds the greeter of each contender both ways, in turn.
pub(crate) fn run(plan: &Plan) -> Result<Page, Box<dyn Error>> {
    let (mut tables, mut splits) = (Vec::new(), Vec::new());
    for stubs in [Stubs::CheckedIn, Stubs::Built] {
        let (there, missing): (Vec<_>, Vec<_>) = greeter::ALL
            .iter()
            .filter(|greeter| plan.contenders.iter().any(|wanted| wanted.name == greeter.name))
            .partition(|greeter| greeter.can_build(stubs));
        let mut caption = stubs.to_string();
        for greeter in missing {
            caption += &format!(" ({} not run: no protoc)", greeter.name);
        }
        let mut table = Table::new(caption, COLUMNS, &[TONIC]);
        let mut spent: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for _ in 0..plan.rounds.min(MOST_ROUNDS) {
            for greeter in &there {
                let built =
                    greeter.build(stubs).map_err(|error| format!("{}, {stubs}: {error}", greeter.name))?;
                table.add(greeter.name, built.figures());
                spent.entry(greeter.name).or_default().push(built.spent);
            }
        }
        tables.push(table);
        for greeter in &there {
            splits.push(split(greeter, stubs, spent.get(greeter.name).map_or(&[], Vec::as_slice)));
        }
    }
    let goals = goals(&tables);
    tables.append(&mut splits);
    Ok(Page {
        name: "build",
        about: "`cargo build --release` of a small program that serves the greeter, as each contender's guide writes it, with what is on \
                by default; dependencies are fetched, and nothing is built. Once the generated code is there already, once \
                `build.rs` makes it: ours alone, tonic's with an installed protoc. CPU time is of cargo and all that it runs.",
        tables,
        goals,
    })
}

/// What the compiler spent on each package, the largest first, then on all others.
fn split(greeter: &Greeter, stubs: Stubs, rounds: &[BTreeMap<String, Spent>]) -> Table {
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for (package, spent) in rounds.iter().flatten() {
        *totals.entry(package).or_default() += spent.cpu.as_secs_f64();
    }
    let mut packages: Vec<_> = totals.into_iter().collect();
    packages.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    packages.truncate(LARGEST);

    let mut table = Table::new(format!("what {} compiles, {stubs}", greeter.name), SPLIT, &[]);
    for round in rounds {
        let figures = |spent: Spent| vec![spent.cpu.as_secs_f64(), spent.wall.as_secs_f64()];
        let mut others = round.values().copied().sum::<Spent>();
        for (package, _) in &packages {
            let spent = round.get(*package).copied().unwrap_or_default();
            table.add(package, figures(spent));
            others = others - spent;
        }
        table.add("all others", figures(others));
    }
    table
}

fn goals(tables: &[Table]) -> Vec<Goal> {
    let ratio = |nth: usize, column| tables.get(nth).and_then(|table| table.ratio(OURS, TONIC, column));
    vec![
        Goal::at_most("wall time to tonic's, generated code checked in", 0.5, ratio(0, 0))
            .because(CHECKED_IN),
        Goal::at_most("wall time to tonic's and its protoc, with build.rs", 1.0, ratio(1, 0))
            .because(GENERATED),
        Goal::at_most("the binary, stripped, to tonic's", 1.0, ratio(0, STRIPPED)),
    ]
}
