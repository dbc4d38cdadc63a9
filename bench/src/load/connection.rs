//! A connection to a server under load: its bytes, written and read without a library of HTTP/2.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::wire::{
    ACK, DATA, Frame, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, SETTINGS_ACK, UNBOUNDED,
    WINDOW_UPDATE, frame,
};

/// The window of a connection at its beginning, octets.
const FIRST_WINDOW: usize = 65_535;
/// When what was received is given back: half of what the window is at the beginning.
const GIVE_BACK: usize = 1 << 30;
/// Every server answers within this.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What came with one read.
#[derive(Default)]
pub(super) struct Received {
    /// The streams that ended with it.
    pub(super) ended: Vec<u32>,
    /// Frames with data.
    pub(super) messages: usize,
}

/// A connection of HTTP/2 whose server has said its settings.
pub(super) struct Connection<S> {
    pub(super) socket: S,
    /// The beginning of a frame that has not come as a whole.
    input: Vec<u8>,
    /// What is to be written.
    pub(super) output: Vec<u8>,
    /// What may be sent in DATA frames, octets.
    pub(super) window: usize,
    /// DATA that was not given back, octets.
    taken: usize,
}

impl Connection<TcpStream> {
    pub(super) fn open(addr: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let socket = TcpStream::connect(addr)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let output = [PREFACE, UNBOUNDED].concat();
        let mut this = Self { socket, input: Vec::new(), output, window: FIRST_WINDOW, taken: 0 };
        this.write()?;
        // The answer to its settings is what it waits for before it is itself.
        while this.output.is_empty() {
            this.read(&mut vec![0; 4096])?;
        }
        this.write()?;
        Ok(this)
    }

    /// The same, with its socket as something else.
    pub(super) fn with<S>(self, change: impl FnOnce(TcpStream) -> S) -> Connection<S> {
        let Self { socket, input, output, window, taken } = self;
        Connection { socket: change(socket), input, output, window, taken }
    }
}

impl<S: Read + Write> Connection<S> {
    /// Writes what is to be written, as far as the socket takes it.
    pub(super) fn write(&mut self) -> Result<(), Box<dyn Error>> {
        while !self.output.is_empty() {
            match self.socket.write(&self.output) {
                Ok(written) => drop(self.output.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads once; says what came, or that there is nothing.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Option<Received>, Box<dyn Error>> {
        let read = match self.socket.read(buffer) {
            Ok(0) => return Err("the server has closed a connection".into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        let mut received = Received::default();
        if self.input.is_empty() {
            let rest = self.frames(bytes, &mut received)?;
            self.input.extend_from_slice(bytes.get(bytes.len() - rest..).unwrap_or_default());
        } else {
            let mut input = std::mem::take(&mut self.input);
            input.extend_from_slice(bytes);
            let rest = self.frames(&input, &mut received)?;
            input.drain(..input.len() - rest);
            self.input = input;
        }
        Ok(Some(received))
    }

    /// Takes the frames of `bytes`, and says how much is left of them.
    fn frames(&mut self, bytes: &[u8], received: &mut Received) -> Result<usize, Box<dyn Error>> {
        let mut rest = bytes;
        while let Some((got, next)) = Frame::split(rest) {
            rest = next;
            match got.kind {
                DATA => {
                    received.messages += usize::from(!got.payload.is_empty());
                    self.take(got.payload.len());
                }
                HEADERS => {}
                RST_STREAM => return Err(format!("stream {} was reset", got.stream).into()),
                GOAWAY => return Err(format!("the server goes away: {:?}", got.payload).into()),
                SETTINGS if !got.is_ack() => self.output.extend_from_slice(SETTINGS_ACK),
                PING if !got.is_ack() => frame(&mut self.output, PING, ACK, 0, got.payload),
                WINDOW_UPDATE if got.stream == 0 => self.window += got.increment(),
                _ => {}
            }
            if got.ends_stream() {
                received.ended.push(got.stream);
            }
        }
        Ok(rest.len())
    }

    fn take(&mut self, octets: usize) {
        self.taken += octets;
        if self.taken >= GIVE_BACK {
            let increment = self.taken as u32;
            frame(&mut self.output, WINDOW_UPDATE, 0, 0, &increment.to_be_bytes());
            self.taken = 0;
        }
    }
}
