//! Where the load comes from: processes of their own, pinned to another core than the server.

mod connection;
mod generator;
mod h2load;
mod hold;
mod latency;

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use crate::contender::{self, Contender, Exchange};
use crate::cores::{self, Core};
use crate::wire::requests::Calls;
pub(crate) use latency::Latency;

/// How unary calls come in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    /// Calls in flight on each connection, always.
    pub(crate) in_flight: usize,
    pub(crate) calls: Calls,
}

impl Shape {
    /// Calls that are all the same.
    pub(crate) const fn plain(connections: usize, in_flight: usize) -> Self {
        Self { connections, in_flight, calls: Calls::Plain }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let varied = if self.calls == Calls::Varied { "-varied" } else { "" };
        write!(f, "c{}m{}{varied}", self.connections, self.in_flight)
    }
}

/// What makes unary calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generator {
    Ours,
    H2load,
}

/// What came of a load all of which succeeded.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Calls, or messages.
    pub(crate) count: u64,
    pub(crate) took: Duration,
    /// CPU time of the process that made the load, if it says.
    pub(crate) cpu: Option<Duration>,
    pub(crate) latency: Option<Latency>,
}

impl Outcome {
    /// How much lasts about as long as `length`, by the pace of this load.
    pub(crate) fn count_in(&self, length: Duration) -> u64 {
        (self.per_second() * length.as_secs_f64()) as u64
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }

    /// What the process prints that makes the load.
    fn line(&self) -> String {
        let cpu = self.cpu.unwrap_or_default().as_nanos();
        let Latency { p50, p99 } = self.latency.unwrap_or_default();
        format!("{} {} {cpu} {} {}", self.count, self.took.as_nanos(), p50.as_nanos(), p99.as_nanos())
    }

    fn read(line: &str) -> Option<Self> {
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u64>().ok());
        let mut number = || numbers.next().flatten();
        let count = number()?;
        let mut duration = || number().map(Duration::from_nanos);
        let (took, cpu) = (duration()?, duration()?);
        let latency = Latency { p50: duration()?, p99: duration()? };
        Some(Self {
            count,
            took,
            cpu: (cpu > Duration::ZERO).then_some(cpu),
            latency: (latency.p50 > Duration::ZERO).then_some(latency),
        })
    }
}

/// A load that can begin: its connections are there, and both sides know each other's settings.
pub(crate) enum Load {
    /// A process of this program.
    Ours(Process),
    /// h2load makes its connections itself.
    H2load(SocketAddr, Shape, u64),
}

impl Load {
    /// So many unary calls of `helloworld.Greeter/SayHello`.
    pub(crate) fn unary(
        generator: Generator,
        addr: SocketAddr,
        shape: Shape,
        calls: u64,
    ) -> Result<Self, Box<dyn Error>> {
        if generator == Generator::H2load {
            return Ok(Self::H2load(addr, shape, calls));
        }
        let Shape { connections, in_flight, .. } = shape;
        Process::start(
            &["generate", shape.calls.name()],
            addr,
            &[connections as u64, in_flight as u64, calls],
        )
        .map(Self::Ours)
    }

    /// So much between the contender's own client and the server there.
    pub(crate) fn client(
        contender: &Contender,
        addr: SocketAddr,
        exchange: Exchange,
        count: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let (kind, in_flight) = match exchange {
            Exchange::Greet { in_flight } => (GREET, in_flight),
            Exchange::Download => (DOWNLOAD, 1),
            Exchange::Echo => (ECHO, 1),
        };
        Process::start(&["drive", contender.name, kind], addr, &[in_flight, count]).map(Self::Ours)
    }

    /// Makes it, and waits for its end.
    pub(crate) fn play(self) -> Result<Outcome, Box<dyn Error>> {
        match self {
            Self::Ours(process) => process.play(),
            Self::H2load(addr, shape, calls) => h2load::unary(addr, shape, calls),
        }
    }
}

/// This program again, as a load; dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Connections with so many calls on each, all open and idle: the server has answered each of them once.
    pub(crate) fn hold(addr: SocketAddr, connections: usize, calls: usize) -> Result<Self, Box<dyn Error>> {
        Self::start(&["hold"], addr, &[connections as u64, calls as u64])
    }

    /// Comes back when the process is [`ready`].
    fn start(what: &[&str], addr: SocketAddr, numbers: &[u64]) -> Result<Self, Box<dyn Error>> {
        let mut child = cores::pinned(&[Core::Load], std::env::current_exe()?)
            .arg("load")
            .args(what)
            .arg(addr.to_string())
            .args(numbers.iter().map(u64::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("a load without output")?;
        let mut this = Self { child, said: BufReader::new(stdout).lines() };
        match this.said.next().transpose()?.as_deref() {
            Some(READY) => Ok(this),
            _ => Err(format!("the load {what:?} could not begin").into()),
        }
    }

    fn play(mut self) -> Result<Outcome, Box<dyn Error>> {
        // The sign to begin.
        drop(self.child.stdin.take());
        let said = self.said.next().transpose()?;
        said.and_then(|line| Outcome::read(&line)).ok_or_else(|| "the load failed".into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says that the load can begin, and waits for the sign to.
pub(crate) fn ready() {
    println!("{READY}");
    io::stdin().lines().for_each(drop);
}

const READY: &str = "ready";
const GREET: &str = "greet";
const DOWNLOAD: &str = "download";
const ECHO: &str = "echo";

/// What the process does that [`Process`] starts.
pub(crate) fn make(args: &[&str]) -> Result<(), Box<dyn Error>> {
    let outcome = match *args {
        ["generate", kind, addr, connections, in_flight, calls] => {
            let shape = Shape {
                connections: connections.parse()?,
                in_flight: in_flight.parse()?,
                calls: Calls::named(kind).ok_or("there are no such calls")?,
            };
            generator::run(addr.parse()?, shape, calls.parse()?)?
        }
        ["drive", contender, kind, addr, in_flight, count] => {
            let exchange = match kind {
                GREET => Exchange::Greet { in_flight: in_flight.parse()? },
                DOWNLOAD => Exchange::Download,
                ECHO => Exchange::Echo,
                _ => return Err(format!("nothing is called {kind}").into()),
            };
            let drive = contender::find(contender)?.drive.ok_or("this contender has no client")?;
            drive(addr.parse()?, exchange, count.parse()?).map_err(|error| -> Box<dyn Error> { error })?
        }
        ["hold", addr, connections, calls] => {
            let _held = hold::open(addr.parse()?, connections.parse()?, calls.parse()?)?;
            // For as long as the process that wants it is there.
            ready();
            return Ok(());
        }
        _ => return Err(format!("no load is called {args:?}").into()),
    };
    println!("{}", outcome.line());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_says_the_other_reads() {
        let outcome = Outcome {
            count: 7,
            took: Duration::from_millis(3),
            cpu: Some(Duration::from_micros(5)),
            latency: Some(Latency { p50: Duration::from_nanos(10), p99: Duration::from_nanos(20) }),
        };
        assert_eq!(Outcome::read(&outcome.line()), Some(outcome));
        let bare = Outcome { count: 7, took: Duration::from_millis(3), cpu: None, latency: None };
        assert_eq!(Outcome::read(&bare.line()), Some(bare));
        assert_eq!(Outcome::read("7 3"), None);
    }
}
