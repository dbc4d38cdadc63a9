//! What an attack is, and how it is played.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use unwired_core::http2::Reason;

use crate::hostile::{Hostile, Over};
use crate::seen::{End, Fate};
use crate::{floods, headers, messages, resets, smuggling, wire};

/// One attack of the list of threats.
pub(crate) struct Attack {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    /// The ways to play it; each connection takes the next.
    pub(crate) plays: &'static [Play],
    /// It waits more than it sends: all ways are played at once, for they take their time.
    pub(crate) is_slow: bool,
}

impl Attack {
    pub(crate) const fn new(id: &'static str, what: &'static str, plays: &'static [Play]) -> Self {
        Self { id, what, plays, is_slow: false }
    }
}

/// What one connection of the attacker does.
pub(crate) enum Play {
    /// Whatever it likes.
    Script(fn(&mut Hostile) -> Result<(), Halt>),
    /// Requests, one after the other, on as few connections as the server lets them have.
    Cases(&'static [Case]),
}

/// A request that is looked at by itself.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    /// The frames of the request on a stream.
    pub(crate) frames: fn(u32) -> Vec<u8>,
    pub(crate) rule: Rule,
}

/// What the server has to do with a request.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// It must not be served: who says so.
    Refuse(&'static str),
    /// It should not be served; some serve it.
    Doubt,
    /// It is as good as any.
    Serve,
    /// It must end the connection: who says so.
    End(&'static str),
}

/// Why a connection's play is at its end.
pub(crate) enum Halt {
    /// The connection or the time is over.
    Over,
    /// The server did what it must not.
    Broken(String),
}

impl From<Over> for Halt {
    fn from(_: Over) -> Self {
        Self::Over
    }
}

/// Attacks that have no place here, and why.
pub(crate) const NOT_PLAYED: &[(&str, &str)] = &[
    ("R6", "a server plays it against a client"),
    ("F12", "a server plays it against a client"),
    ("F14", "errors of accept come from the system, not from a peer"),
    ("H7", "about what a sender puts into its own table"),
    ("S7", "about what an application gives its own side to send"),
    ("G7", "a server plays it against a client"),
    ("G8", "a greeter has neither health service nor reflection; a Watch is a call, as in R3"),
    ("G10", "about the buffers of a sender"),
    ("G11", "a greeter's handlers do not panic"),
];

/// All that are played, in the order of the list of threats.
pub(crate) fn all() -> impl Iterator<Item = &'static Attack> {
    [resets::ATTACKS, floods::ATTACKS, headers::ATTACKS, smuggling::ATTACKS, messages::ATTACKS]
        .into_iter()
        .flatten()
}

/// What became of the attacker's connections.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) connections: u64,
    /// How streams ended, but for those that were served.
    fates: BTreeMap<Fate, u64>,
    served: u64,
    ends: BTreeMap<End, u64>,
    /// How long after their beginning connections were ended.
    pub(crate) kills: Vec<Duration>,
    stalled: bool,
    /// Requests that were served and need not have been.
    pub(crate) lenient: BTreeSet<&'static str>,
    /// Rules that the server broke.
    pub(crate) broken: BTreeSet<String>,
}

impl Account {
    /// Whether the server ended connections.
    pub(crate) fn was_ended(&self) -> bool {
        !self.ends.is_empty()
    }

    fn add(&mut self, mut peer: Hostile) {
        let end = peer.finish();
        self.connections += 1;
        self.stalled |= peer.stalled;
        for (&fate, &count) in &peer.seen().tally {
            match fate {
                Fate::OK => self.served += count,
                _ => *self.fates.entry(fate).or_default() += count,
            }
        }
        if let Some((end, after)) = end {
            *self.ends.entry(end).or_default() += 1;
            self.kills.push(after);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.connections += other.connections;
        self.served += other.served;
        self.stalled |= other.stalled;
        other.fates.into_iter().for_each(|(fate, count)| *self.fates.entry(fate).or_default() += count);
        other.ends.into_iter().for_each(|(end, count)| *self.ends.entry(end).or_default() += count);
        self.kills.extend(other.kills);
        self.lenient.extend(other.lenient);
        self.broken.extend(other.broken);
    }
}

/// Kinds of fates and ends that are told, the most frequent ones.
const TOLD: usize = 3;

/// What the server did, in a few words.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut did = frequent(&self.fates);
        if self.served > 0 {
            did.push("served".to_owned());
        }
        did.extend(frequent(&self.ends));
        if self.stalled {
            did.push("stall".to_owned());
        }
        if did.is_empty() {
            did.push("no answer".to_owned());
        }
        f.write_str(&did.join("; "))
    }
}

fn frequent<T: fmt::Display>(counts: &BTreeMap<T, u64>) -> Vec<String> {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|&(_, &count)| std::cmp::Reverse(count));
    counts.into_iter().take(TOLD).map(|(what, _)| what.to_string()).collect()
}

/// Connections that one attack begins in a second, at most.
const CONNECTIONS_PER_SECOND: u32 = 20;
/// How long a request may take before the next one is sent.
const PATIENCE: Duration = Duration::from_secs(1);

/// Plays `attack` until `deadline`: who is ended comes back.
pub(crate) fn play(attack: &'static Attack, address: SocketAddr, deadline: Instant) -> Account {
    let lanes: Vec<&'static [Play]> =
        if attack.is_slow { attack.plays.chunks(1).collect() } else { vec![attack.plays] };
    thread::scope(|scope| {
        let lanes: Vec<_> = lanes
            .into_iter()
            .map(|plays| scope.spawn(move || play_in_turn(plays, address, deadline)))
            .collect();
        let mut account = Account::default();
        for lane in lanes {
            match lane.join() {
                Ok(lane) => account.merge(lane),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        account
    })
}

fn play_in_turn(plays: &'static [Play], address: SocketAddr, deadline: Instant) -> Account {
    let mut account = Account::default();
    let mut cursors = vec![0; plays.len()];
    // A server that ends nothing sees each way of playing it all the same.
    let share = deadline.saturating_duration_since(Instant::now()) / plays.len() as u32;
    for n in 0.. {
        let begun = Instant::now();
        if begun >= deadline {
            break;
        }
        let turn = n % plays.len();
        let mut peer = match Hostile::connect(address, deadline.min(begun + share)) {
            Ok(peer) => peer,
            Err(error) => {
                account.broken.insert(format!("no more connections: {error}"));
                break;
            }
        };
        let halted = match &plays[turn] {
            Play::Script(script) => script(&mut peer),
            Play::Cases(cases) => try_cases(cases, &mut cursors[turn], &mut peer, &mut account),
        };
        if let Err(Halt::Broken(rule)) = halted {
            account.broken.insert(rule);
        }
        account.add(peer);
        let pause = (Duration::from_secs(1) / CONNECTIONS_PER_SECOND).saturating_sub(begun.elapsed());
        thread::sleep(pause.min(deadline.saturating_duration_since(Instant::now())));
    }
    account
}

/// Makes requests from the one at `cursor` on, again and again, until the connection or the time is over.
fn try_cases(
    cases: &'static [Case],
    cursor: &mut usize,
    peer: &mut Hostile,
    account: &mut Account,
) -> Result<(), Halt> {
    peer.greet(&[])?;
    loop {
        let case = &cases[*cursor % cases.len()];
        *cursor += 1;
        let stream = peer.stream();
        let sent = peer.send_in_window(&(case.frames)(stream));
        let fate = sent.and_then(|()| peer.wait(PATIENCE, |seen| seen.take_fate(stream)));
        match (case.rule, &fate) {
            (Rule::Refuse(rule), Ok(Some(Fate::OK))) => {
                return Err(Halt::Broken(format!("serves {} ({rule})", case.what)));
            }
            (Rule::End(rule), Ok(Some(fate))) => {
                return Err(Halt::Broken(format!("{}: {fate} and goes on ({rule})", case.what)));
            }
            (Rule::Doubt, Ok(Some(Fate::OK))) => {
                account.lenient.insert(case.what);
            }
            (Rule::Serve, Ok(Some(fate))) if *fate != Fate::OK => {
                account.lenient.insert(case.what);
            }
            _ => {}
        }
        if fate?.is_none() {
            // It waits for more, or for ever.
            peer.send(&wire::rst(stream, Reason::CANCEL))?;
        }
    }
}
