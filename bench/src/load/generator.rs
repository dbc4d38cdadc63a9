//! Our own load: bytes that are there already, with the number of the stream put in, and answers whose heads of frames are
//! looked at. One thread, so that it stays on its core.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::connection::{Connection, PATIENCE, Received};
use super::latency::Histogram;
use super::{Outcome, Shape};
use crate::measure;
use crate::wire::requests::Requests;

const READ: usize = 256 << 10;

/// Calls of each connection that are made before any is measured: tables are filled and memory is there.
const FIRST: usize = 2;

/// Plays so many calls, divided among the connections, and waits for their ends.
pub(super) fn run(addr: SocketAddr, shape: Shape, calls: u64) -> Result<Outcome, Box<dyn Error>> {
    let Shape { connections, in_flight, calls: kind } = shape;
    let share = usize::try_from(calls)?.div_ceil(connections);
    let poll = Poll::new()?;
    let mut lines = Vec::with_capacity(connections);
    for nth in 0..connections {
        let mut line = Line::open(addr, FIRST + share)?;
        let interests = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut line.connection.socket, Token(nth), interests)?;
        lines.push(line);
    }
    let mut load = Load {
        poll,
        requests: Requests::new(kind, FIRST + share),
        latencies: Histogram::default(),
        begun: Instant::now(),
        answered: 0,
        buffer: vec![0; READ],
    };
    load.play(&mut lines, FIRST, 1)?;
    load.latencies = Histogram::default();

    super::ready();
    let (begun, used) = (Instant::now(), measure::own_cpu_time()?);
    load.play(&mut lines, share, in_flight)?;
    Ok(Outcome {
        count: (share * connections) as u64,
        took: begun.elapsed(),
        cpu: Some(measure::own_cpu_time()? - used),
        latency: Some(load.latencies.latency()),
    })
}

/// One connection and its calls.
struct Line {
    connection: Connection<TcpStream>,
    /// When each of its calls was started, nanoseconds since the beginning of the load.
    started: Vec<u64>,
    /// Calls that are to be made, with those that have been.
    goal: usize,
    /// Calls that are to be started as soon as the window lets them.
    due: usize,
    messages: usize,
    ended: usize,
}

impl Line {
    fn open(addr: SocketAddr, calls: usize) -> Result<Self, Box<dyn Error>> {
        let connection = Connection::open(addr)?;
        connection.socket.set_nonblocking(true)?;
        let connection = connection.with(TcpStream::from_std);
        Ok(Self { connection, started: Vec::with_capacity(calls), goal: 0, due: 0, messages: 0, ended: 0 })
    }
}

/// All of them.
struct Load {
    poll: Poll,
    requests: Requests,
    latencies: Histogram,
    begun: Instant,
    answered: usize,
    buffer: Vec<u8>,
}

impl Load {
    /// Makes so many calls more on each connection.
    fn play(&mut self, lines: &mut [Line], each: usize, in_flight: usize) -> Result<(), Box<dyn Error>> {
        self.answered = 0;
        for line in &mut *lines {
            line.goal += each;
            line.due = 0;
            self.start(line, in_flight)?;
        }
        let mut events = Events::with_capacity(1024);
        let calls = each * lines.len();
        while self.answered < calls {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(format!("{} of {calls} calls were never answered", calls - self.answered).into());
            }
            for event in &events {
                if let Some(line) = lines.get_mut(event.token().0) {
                    self.serve(line)?;
                }
            }
        }
        Ok(())
    }

    /// Starts so many calls more, as far as there are any to be made.
    fn start(&mut self, line: &mut Line, calls: usize) -> Result<(), Box<dyn Error>> {
        line.due += calls;
        let now = self.now();
        // A message never is longer than what is left of a window that is open at all: they are a few octets long.
        while line.due > 0 && line.started.len() < line.goal && line.connection.window > READ / 1024 {
            line.connection.window -= self.requests.write(line.started.len(), &mut line.connection.output);
            line.started.push(now);
            line.due -= 1;
        }
        line.connection.write()
    }

    /// Takes what has come, and starts as many calls as have ended.
    fn serve(&mut self, line: &mut Line) -> Result<(), Box<dyn Error>> {
        while let Some(Received { ended, messages }) = line.connection.read(&mut self.buffer)? {
            let now = self.now();
            for stream in &ended {
                let started = line.started.get(*stream as usize / 2).ok_or("an answer to no call")?;
                self.latencies.add(now - started);
            }
            line.messages += messages;
            line.ended += ended.len();
            self.answered += ended.len();
            self.start(line, ended.len())?;
        }
        if line.ended == line.goal && line.messages < line.goal {
            let failed = line.goal - line.messages;
            return Err(format!("{failed} of {} calls ended without a message", line.goal).into());
        }
        line.connection.write()
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }
}
