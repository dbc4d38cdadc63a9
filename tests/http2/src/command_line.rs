use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use crate::Runtime;

/// What both programs are told.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// What to run on: `--runtime RUNTIME`, tokio if nothing is said.
    pub runtime: Runtime,
    /// Where to listen, or whom to ask: `--addr ADDR:PORT`, or `http://ADDR:PORT/` as the last word.
    pub address: SocketAddr,
    /// What every answer carries, in bytes: `--body BYTES`, 64 KiB if nothing is said.
    pub body: usize,
}

/// Runs `main` with what the command line says.
pub fn program(usage: &str, main: impl FnOnce(Arguments) -> io::Result<()>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        print!("{usage}");
        return ExitCode::SUCCESS;
    }
    match parse(&arguments) {
        Ok(arguments) => match main(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", arguments.address);
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("{error}\n\n{usage}");
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: &[String]) -> Result<Arguments, String> {
    let mut runtime = Runtime::Tokio;
    let mut address = None;
    let mut body = 64 << 10;
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument {
            "--runtime" => runtime = value()?.parse()?,
            "--addr" => address = Some(value()?),
            "--body" => {
                body = value()?.parse().map_err(|error| format!("--body is a number of bytes: {error}"))?;
            }
            target => {
                let target = target.strip_prefix("http://").ok_or_else(|| format!("what is {target}?"))?;
                address = Some(target.trim_end_matches('/'));
            }
        }
    }
    let address = address.ok_or("an address is needed: --addr ADDR:PORT")?;
    let address = address.parse().map_err(|error| format!("{address}: {error}; it is ADDR:PORT"))?;
    Ok(Arguments { runtime, address, body })
}
