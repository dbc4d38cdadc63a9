//! Servers that do on purpose what few servers do, frame by frame: the suite's cases of HTTP/2.
//!
//! Nothing of [`unwired`] is in it, so that it cannot share a mistake with what is tested: frames are written by hand, on
//! sockets of the standard library, with a thread for each connection.

use core::fmt;
use core::str::FromStr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

mod connection;
mod frames;

use connection::Connection;

/// What the server does; the names are the suite's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misdeed {
    /// GOAWAY once the first call of a connection has been answered.
    GoAway,
    /// RST_STREAM behind the response's headers.
    RstAfterHeader,
    /// RST_STREAM behind half of the response's data.
    RstDuringData,
    /// RST_STREAM behind all of the response's data, in place of trailers.
    RstAfterData,
    /// PING around headers and data.
    Ping,
    /// One stream at a time.
    MaxStreams,
    /// DATA of five octets with 255 of padding.
    DataFramePadding,
    /// DATA of five octets.
    NoDfPaddingSanityTest,
}

impl Misdeed {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 8] = [
        ("goaway", Self::GoAway),
        ("rst_after_header", Self::RstAfterHeader),
        ("rst_during_data", Self::RstDuringData),
        ("rst_after_data", Self::RstAfterData),
        ("ping", Self::Ping),
        ("max_streams", Self::MaxStreams),
        ("data_frame_padding", Self::DataFramePadding),
        ("no_df_padding_sanity_test", Self::NoDfPaddingSanityTest),
    ];
}

impl fmt::Display for Misdeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(_, misdeed)| misdeed == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

impl FromStr for Misdeed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.iter().find(|(name, _)| *name == text);
        named.map(|(_, misdeed)| *misdeed).ok_or_else(|| {
            format!("there is no such case: they are {}", Self::ALL.map(|(name, _)| name).join(", "))
        })
    }
}

/// What a server saw of its clients.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Connections that were accepted.
    pub connections: usize,
    /// Requests that came whole.
    pub requests: usize,
    /// The most streams that were open at a time on a connection whose client had acknowledged the settings.
    pub most_streams: usize,
    /// PINGs that were sent.
    pub pings: usize,
    /// Those of them that were answered with what was in them.
    pub pongs: usize,
    /// What broke HTTP/2.
    broken: Vec<String>,
    misdeed: Option<Misdeed>,
}

impl Seen {
    /// What clients did that they must not do.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.broken.clone();
        if self.misdeed == Some(Misdeed::MaxStreams) && self.most_streams > 1 {
            faults.push(format!("{} streams were open at a time, and 1 is allowed", self.most_streams));
        }
        faults
    }
}

/// A server that runs until its process ends.
#[derive(Debug)]
pub struct BadServer {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl BadServer {
    /// Listens at `address`.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn start(address: SocketAddr, misdeed: Misdeed) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Seen { misdeed: Some(misdeed), ..Seen::default() }));
        let shared = Arc::clone(&seen);
        thread::Builder::new().name(misdeed.to_string()).spawn(move || {
            for socket in listener.incoming() {
                let Ok(socket) = socket else { continue };
                let seen = Arc::clone(&shared);
                lock(&seen).connections += 1;
                thread::spawn(move || {
                    if let Err(error) = Connection::new(socket, misdeed, &seen).and_then(Connection::run)
                        && error.kind() == io::ErrorKind::InvalidData
                    {
                        lock(&seen).broken.push(error.to_string());
                    }
                });
            }
        })?;
        Ok(Self { address, seen })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
