//! Mixed load for as long as one likes, on all runtimes side by side:
//! `cargo run --release -p unwired-interop --bin soak -- --seconds=3600`.

use std::env;
use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use unwired_http2_rigs::Runtime;
use unwired_interop::flags::Flags;
use unwired_interop::mixed_load::{self, Load, Report};

const USAGE: &str = "Makes calls of all kinds and sizes, with cancellations, deadlines, server restarts and cut connections.
Fails when one is lost or gets another's answer, or when memory grows by more than a tenth after the first quarter.

Usage: soak [FLAGS]

Flags:
  --runtime=RUNTIME  tokio, async-std, smol or blocking [default: all of them, in a process each]
  --seconds=N        for how long; memory is judged from 120 on [default: 60]
  --rate=N           calls in a second, on each runtime [default: 400]
  --help             print this and exit
";

const RUNTIMES: [&str; 4] = ["tokio", "async-std", "smol", "blocking"];
/// In a shorter time memory has not come to what it is going to be.
const LONG_ENOUGH: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let read = Flags::parse(arguments.clone()).and_then(|mut flags| {
        let runtime: Option<Runtime> = flags.take("runtime")?;
        let time = flags.seconds("seconds", Duration::from_secs(60))?;
        let rate = flags.take_or("rate", 400)?;
        flags.done()?;
        Ok((runtime, Load { time, rate }))
    });
    let outcome = match read {
        Ok((Some(runtime), load)) => on_one(runtime, load),
        Ok((None, _)) => on_all(&arguments),
        Err(mistake) => {
            eprintln!("{mistake}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn on_one(runtime: Runtime, load: Load) -> io::Result<bool> {
    let mut report = None;
    runtime.run(async |handle| {
        report = Some(mixed_load::run(&handle, load).await?);
        Ok(())
    })?;
    let report = report.ok_or_else(|| io::Error::other("the runtime ended first"))?;
    println!("{report}");
    let faults = report.faults(load.time >= LONG_ENOUGH);
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    Ok(faults.is_empty())
}

/// Each in a process of its own, so that memory can be told apart.
fn on_all(arguments: &[String]) -> io::Result<bool> {
    let program = env::current_exe()?;
    let mut children = Vec::new();
    for runtime in RUNTIMES {
        let mut command = Command::new(&program);
        command.args(arguments).arg(format!("--runtime={runtime}"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        children.push((runtime, child));
    }
    println!("{:<10}{}", "", Report::HEAD);
    let mut is_well = true;
    let mut faults = String::new();
    for (runtime, child) in children {
        let output = child.wait_with_output()?;
        print!("{runtime:<10}{}", String::from_utf8_lossy(&output.stdout));
        for fault in String::from_utf8_lossy(&output.stderr).lines() {
            faults += &format!("{runtime}: {fault}\n");
        }
        if !output.status.success() {
            is_well = false;
            faults += &format!("{runtime}: ended with {}\n", output.status);
        }
    }
    io::stdout().flush()?;
    eprint!("{faults}");
    Ok(is_well)
}
