//! Plays recordings.

use std::fmt;
use std::hash::Hash;

use crate::octets::{Malformed, Reader};
use crate::recorder::{END, Kind, OUTCOME_LEN};
use crate::script::Script;
use crate::{grpc, http2, keep};

/// A connection that does what a recording says.
pub(crate) trait Player: Sized {
    type Key: Copy + Eq + Hash;

    fn begin(kind: Kind, script: &mut Script<'_, Self::Key>) -> Result<Self, Malformed>;

    /// Does the operation that `code` stands for. Answers whether there is one.
    fn act(&mut self, code: u8, script: &mut Script<'_, Self::Key>) -> Result<bool, Malformed>;
}

/// A recording that was played.
#[derive(Debug)]
pub struct Played {
    /// What kind of connection it is.
    pub kind: Kind,
    /// What was done to it.
    pub operations: usize,
    /// The first operation that answered differently from then, counted from 0.
    pub diverged: Option<usize>,
    /// The recording of this time: what was done then, with what was answered now.
    pub recording: Vec<u8>,
}

/// Why a recording was not played to the same end.
#[derive(Debug)]
pub enum PlayError {
    /// It cannot be read.
    Malformed(Malformed),
    /// The connection does not answer as it did.
    Diverged(Played),
}

impl fmt::Display for PlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Diverged(Played { operations, diverged, .. }) => write!(
                f,
                "the connection answers differently from operation {} of {operations} on",
                diverged.map_or(*operations, |at| at + 1)
            ),
        }
    }
}

impl std::error::Error for PlayError {}

/// Plays a recording to a new connection.
///
/// # Errors
///
/// The recording cannot be read, or an outcome is another than the one that was recorded: bytes, events, answers or
/// timers.
pub fn play(recording: &[u8]) -> Result<Played, PlayError> {
    let played = play_anyhow(recording).map_err(PlayError::Malformed)?;
    if played.diverged.is_some() { Err(PlayError::Diverged(played)) } else { Ok(played) }
}

/// Plays a recording whatever comes of it: [`Played::recording`] is what it would be now.
///
/// # Errors
///
/// The recording cannot be read.
pub fn play_anyhow(recording: &[u8]) -> Result<Played, Malformed> {
    let mut reader = Reader(recording);
    let kind = Kind::read(&mut reader)?;
    let (run, mut tapes) = keep::record(|| match kind {
        Kind::Client => run::<grpc::client::Connection>(kind, reader, recording.len()),
        Kind::Server => run::<grpc::server::Connection>(kind, reader, recording.len()),
        Kind::Http2Client | Kind::Http2Server => run::<http2::Connection>(kind, reader, recording.len()),
    });
    let ends = run?;
    let now = tapes.pop().map(|(_, tape)| tape).unwrap_or_default();
    let alike = recording.iter().zip(&now).take_while(|(then, now)| then == now).count();
    // What panicked then has no last outcome.
    let same = |&end: &usize| end <= alike || end > recording.len();
    Ok(Played {
        kind,
        operations: ends.len(),
        diverged: ends.iter().position(|end| !same(end)),
        recording: now,
    })
}

/// Answers where the outcomes of the operations end.
fn run<P: Player>(kind: Kind, reader: Reader<'_>, length: usize) -> Result<Vec<usize>, Malformed> {
    let mut script = Script::new(reader);
    let mut connection = P::begin(kind, &mut script)?;
    let mut ends = Vec::new();
    while !script.reader.0.is_empty() {
        let code = script.reader.octet()?;
        if code == END {
            script.reader.take(size_of::<u64>())?;
            ends.push(length - script.reader.0.len());
            break;
        }
        if !connection.act(code, &mut script)? {
            return Err(script.reader.malformed("no operation of this kind of connection"));
        }
        ends.push(length - script.reader.0.len() + OUTCOME_LEN);
        let outcome = OUTCOME_LEN.min(script.reader.0.len());
        script.reader.take(outcome)?;
    }
    drop(connection);
    Ok(ends)
}
