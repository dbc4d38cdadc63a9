use core::fmt;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::exchange::Kind;

/// Failures that are told.
const TOLD: usize = 10;
/// By which share memory may grow after the first quarter.
const GROWTH: f64 = 0.1;
/// And what messages that are under way at one reading and not at the other may come to, KiB: the longest stream has 2.4 MB, and
/// is held by both sides.
const UNDER_WAY_KIB: f64 = 5000.0;

/// Calls, by what became of them.
#[derive(Clone, Default, Debug)]
pub(super) struct Sums {
    pub(super) served: [u64; Kind::ALL.len()],
    pub(super) cancelled: u64,
    pub(super) late: u64,
    pub(super) cut: u64,
    pub(super) channels: u64,
    lost: u64,
    swapped: u64,
    failures: Vec<String>,
}

/// Counts calls.
#[derive(Default)]
pub(super) struct Tally(Mutex<Sums>);

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts.
    pub(super) fn add(&self, count: impl FnOnce(&mut Sums)) {
        count(&mut self.lock());
    }

    /// A call has not ended as it should.
    pub(super) fn lost(&self, how: String) {
        self.add(|sums| {
            sums.lost += 1;
            sums.failures.push(format!("lost: {how}"));
            sums.failures.truncate(TOLD);
        });
    }

    /// A call got what is not its own.
    pub(super) fn swapped(&self, how: String) {
        self.add(|sums| {
            sums.swapped += 1;
            sums.failures.push(format!("swapped: {how}"));
            sums.failures.truncate(TOLD);
        });
    }

    /// All that was counted.
    pub(super) fn report(&self, resident: [Option<u64>; 4], restarts: u64, running: usize) -> Report {
        Report { sums: self.lock().clone(), resident, restarts, running }
    }
}

/// Memory of this process that is in use, KiB, where the system says so.
pub(super) fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What became of the calls of one runtime: a row of the table whose head is [`Report::HEAD`].
#[derive(Clone, Debug)]
pub struct Report {
    sums: Sums,
    /// KiB at the end of each quarter of the time.
    resident: [Option<u64>; 4],
    restarts: u64,
    /// Handlers whose calls have all ended.
    running: usize,
}

impl Report {
    /// What the columns are. Memory is that of server and clients together, in MiB, after each quarter of the time.
    pub const HEAD: &str = "   unary  replies greetings    bidi ping-pong cancelled    late    cut channels restarts  lost \
                            swapped   1/4   2/4   3/4   end";

    /// What is wrong: calls that were lost or swapped, handlers that were left, and, if it `must_be_flat`, memory that grew
    /// by more than a tenth after the first quarter, beside what is under way.
    pub fn faults(&self, must_be_flat: bool) -> Vec<String> {
        let mut faults = self.sums.failures.clone();
        let calls: u64 = self.sums.served.iter().sum();
        if calls == 0 {
            faults.push("no call was served".to_owned());
        }
        if self.running > 0 {
            faults.push(format!("{} handlers run on", self.running));
        }
        if let [Some(first), .., Some(end)] = self.resident
            && must_be_flat
            && end as f64 > first as f64 * (1.0 + GROWTH) + UNDER_WAY_KIB
        {
            faults.push(format!("memory grew from {first} KiB to {end} KiB"));
        }
        faults
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sums, resident, restarts, .. } = self;
        let [unary, replies, greetings, bidi, ping_pong] = sums.served;
        write!(f, "{unary:>8} {replies:>8} {greetings:>9} {bidi:>7} {ping_pong:>9} ")?;
        write!(f, "{:>9} {:>7} {:>6} {:>8} ", sums.cancelled, sums.late, sums.cut, sums.channels)?;
        write!(f, "{restarts:>8} {:>5} {:>7}", sums.lost, sums.swapped)?;
        resident.iter().try_for_each(|resident| match resident {
            Some(kib) => write!(f, " {:>5.1}", *kib as f64 / 1024.0),
            None => write!(f, "     -"),
        })
    }
}
