//! What is told of an attack: one row of a table in Markdown.

use std::time::Duration;

use crate::attack::{Account, Attack};
use crate::neighbour::Calls;

pub(crate) const HEAD: &str = "\
| id | attack | what the server did | ended after | connections | peak RSS | neighbour | p99 | verdict |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// What a connection may make a server hold, in bytes: the windows of 128 streams, 16 MiB of unfinished messages, the longest one of
/// 4 MiB, buffers that double as they grow.
const MOST_MEMORY: u64 = 64 << 20;
/// What the neighbour keeps of its rate, at least, when it is said to be unharmed.
const LEAST_GOODPUT: f64 = 0.8;

/// One attack, in all of its rounds.
pub(crate) struct Row {
    attack: &'static Attack,
    account: Account,
    /// Growth of memory in each round, in bytes.
    growth: Vec<u64>,
    /// The neighbour's rate during each round, of the rate before it.
    goodput: Vec<f64>,
    before: Vec<Duration>,
    during: Vec<Duration>,
}

impl Row {
    pub(crate) fn new(attack: &'static Attack) -> Self {
        Self {
            attack,
            account: Account::default(),
            growth: Vec::new(),
            goodput: Vec::new(),
            before: Vec::new(),
            during: Vec::new(),
        }
    }

    pub(crate) fn add(
        &mut self,
        account: Account,
        growth: Option<u64>,
        mut before: Calls,
        mut during: Calls,
    ) {
        if let Some(failure) = &during.failure {
            self.broken(format!("{} calls of the neighbour fail: {failure}", during.failed));
        }
        self.account.merge(account);
        self.growth.extend(growth);
        self.goodput.push(during.rate() / before.rate().max(f64::MIN_POSITIVE));
        self.before.push(before.p99());
        self.during.push(during.p99());
    }

    /// The server broke a rule.
    pub(crate) fn broken(&mut self, rule: String) {
        self.account.broken.insert(rule);
    }

    pub(crate) fn is_broken(&self) -> bool {
        !self.account.broken.is_empty()
    }

    /// The row of the table.
    pub(crate) fn markdown(&mut self) -> String {
        let Self { attack, account, growth, goodput, before, during } = self;
        let growth = median(growth);
        let goodput = median(goodput).unwrap_or_default();
        let verdict = if !account.broken.is_empty() {
            let broken: Vec<_> = account.broken.iter().map(String::as_str).collect();
            format!("**BROKEN**: {}", broken.join("; "))
        } else {
            let verdict = if account.was_ended() { "ended" } else { "harmless" };
            match (growth.is_some_and(|bytes| bytes > MOST_MEMORY), goodput < LEAST_GOODPUT) {
                (false, false) => verdict.to_owned(),
                (true, false) => format!("{verdict}, costs memory"),
                (false, true) => format!("{verdict}, costs the neighbour"),
                (true, true) => format!("{verdict}, costs memory and the neighbour"),
            }
        };
        let lenient: Vec<_> = account.lenient.iter().copied().collect();
        let notes =
            if lenient.is_empty() { String::new() } else { format!(" (note: {})", lenient.join(", ")) };
        let did = account.to_string().replace('|', "\\|");
        let connections = account.connections;
        format!(
            "| {} | {} | {did} | {} | {connections} | {} | {:.0}% | {} → {} | {verdict}{notes} |",
            attack.id,
            attack.what,
            median(&mut account.kills).map_or("-".to_owned(), milliseconds),
            growth.map_or("-".to_owned(), |bytes| format!("+{:.1} MiB", bytes as f64 / f64::from(1 << 20))),
            100.0 * goodput,
            milliseconds(median(before).unwrap_or_default()),
            milliseconds(median(during).unwrap_or_default()),
        )
    }
}

fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

fn median<T: Copy + PartialOrd>(figures: &mut [T]) -> Option<T> {
    figures.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    figures.get(figures.len() / 2).copied()
}
