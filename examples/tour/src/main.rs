//! A tour for newcomers: serves the greeter and the route guide on a free loopback port, calls all six of their methods over that
//! socket, and shows the conversation, on whichever runtime is asked for. Exits with 0 only if every answer was the expected one.

mod runtimes;

use std::process::ExitCode;

use runtimes::{RUNTIMES, Runtime};
use unwired_examples::tour::Visit;

const USAGE: &str = "Serves two services and calls all their methods.

Usage: tour [--runtime RUNTIME]

Options:
  --runtime RUNTIME  tokio, async-std, smol, blocking or all [default: tokio]
  --help             print this and exit
";

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<&str> = asked.iter().flat_map(|argument| argument.splitn(2, '=')).collect();
    let name = match asked[..] {
        [] => "tokio",
        ["--runtime", name] => name,
        ["--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => return misuse("there is one option: --runtime RUNTIME"),
    };
    let chosen: Vec<_> = RUNTIMES.iter().filter(|runtime| name == "all" || name == runtime.name).collect();
    if chosen.is_empty() {
        return misuse(&format!("there is no runtime `{name}`"));
    }
    let mut rows = Vec::new();
    for runtime in chosen {
        println!("======== {} ========", runtime.name);
        let visits = (runtime.visit)().unwrap_or_else(|error| {
            println!("cannot go on a tour: {error}");
            Vec::new()
        });
        println!();
        rows.push((runtime, visits));
    }
    summary(&rows)
}

fn misuse(what: &str) -> ExitCode {
    eprintln!("tour: {what} (`tour --help` lists the runtimes)");
    ExitCode::from(2)
}

/// Runtimes and methods, and what came of each.
fn summary(rows: &[(&Runtime, Vec<Visit>)]) -> ExitCode {
    let methods: Vec<_> = rows
        .iter()
        .map(|(_, visits)| visits)
        .max_by_key(|visits| visits.len())
        .into_iter()
        .flatten()
        .collect();
    let heads: Vec<_> = methods.iter().map(|visit| visit.method).collect();
    println!("{:<10}  {}", "", heads.join("  "));
    let mut well = 0;
    for (runtime, visits) in rows {
        let mut row = format!("{:<10}", runtime.name);
        for (column, head) in heads.iter().enumerate() {
            let is_well = visits.get(column).is_some_and(|visit| visit.result.is_ok());
            well += usize::from(is_well);
            row += &format!("  {:<width$}", if is_well { "ok" } else { "FAILED" }, width = head.len());
        }
        println!("{}", row.trim_end());
    }
    let all = rows.len() * methods.len();
    println!("\n{well} of {all} methods answered as expected.");
    if well == all && all > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
