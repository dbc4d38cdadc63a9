use core::fmt;
use std::sync::Arc;

use super::resolving::Endpoint;

/// How calls are spread over the servers of a channel.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum LoadBalancing {
    /// All calls to one server: the first that can be connected to. The addresses are tried in order, with IPv6 and IPv4 by
    /// turns, the next one as soon as one fails or after 250 ms (gRFC A61).
    #[default]
    PickFirst,
    /// Connections to all servers, and calls to each of those that are connected in turn.
    RoundRobin,
    /// As round robin, each server as often as its [weight](Endpoint::weight) says, and evenly spread over time.
    Weighted,
    /// Connections to all servers, and each call to the one that a [`Balance`] of this channel chooses.
    Custom(Arc<dyn Fn() -> Box<dyn Balance> + Send + Sync>),
}

impl LoadBalancing {
    /// Whether calls go to several servers.
    pub(super) const fn has_several(&self) -> bool {
        !matches!(self, Self::PickFirst)
    }

    /// Whether it is the same as `other`.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Custom(this), Self::Custom(other)) => Arc::ptr_eq(this, other),
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }

    /// What chooses among several servers; `None` when there shall be only one.
    pub(crate) fn balance(&self) -> Option<Box<dyn Balance>> {
        match self {
            Self::PickFirst => None,
            Self::RoundRobin => Some(Box::new(RoundRobin::default())),
            Self::Weighted => Some(Box::new(Weighted::default())),
            Self::Custom(make) => Some(make()),
        }
    }
}

impl fmt::Debug for LoadBalancing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PickFirst => "PickFirst",
            Self::RoundRobin => "RoundRobin",
            Self::Weighted => "Weighted",
            Self::Custom(_) => "Custom",
        })
    }
}

/// Chooses the server of each call. It is asked under the channel's lock: it computes, and touches no channel.
pub trait Balance: Send + 'static {
    /// Which of `ready` gets the next call, by its place there: two servers at least, all connected. A place that is none
    /// is taken modulo their number.
    fn choose(&mut self, ready: &[Endpoint]) -> usize;
}

/// Each in turn.
#[derive(Debug, Default)]
struct RoundRobin(usize);

impl Balance for RoundRobin {
    fn choose(&mut self, ready: &[Endpoint]) -> usize {
        self.0 = self.0.wrapping_add(1);
        self.0 % ready.len().max(1)
    }
}

/// Each in turn, and as often as its weight says: with every call each gets credit by its weight, and who has most credit
/// pays for the call. Weights of 5, 1, 1 give a a b a c a a.
#[derive(Debug, Default)]
struct Weighted {
    /// As long as `ready` was.
    credits: Vec<i64>,
}

impl Balance for Weighted {
    fn choose(&mut self, ready: &[Endpoint]) -> usize {
        self.credits.resize(ready.len(), 0);
        let total: i64 = ready.iter().map(|endpoint| i64::from(endpoint.weight)).sum();
        let mut best = (0, i64::MIN);
        for (index, (credit, endpoint)) in self.credits.iter_mut().zip(ready).enumerate() {
            // Who is new among them has the place of somebody else: the credit is never far from the weights.
            *credit = credit.saturating_add(i64::from(endpoint.weight)).clamp(-total, total);
            if endpoint.weight > 0 && *credit > best.1 {
                best = (index, *credit);
            }
        }
        if let Some(credit) = self.credits.get_mut(best.0) {
            *credit -= total;
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Address;

    fn chosen(balance: &mut dyn Balance, weights: &[u32], calls: usize) -> Vec<usize> {
        let ready: Vec<_> =
            weights.iter().map(|weight| Endpoint::new(Address::Memory).weight(*weight)).collect();
        (0..calls).map(|_| balance.choose(&ready)).collect()
    }

    #[test]
    fn round_robin_passes_nobody_over() {
        let mut balance = RoundRobin::default();
        let mut first = chosen(&mut balance, &[1, 1, 1], 3);
        assert_eq!(chosen(&mut balance, &[1, 1, 1], 3), first);
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2]);
        assert!(chosen(&mut balance, &[1, 1], 5).iter().all(|place| *place < 2));
    }

    #[test]
    fn weights_are_kept_and_evenly_spread() {
        assert_eq!(chosen(&mut Weighted::default(), &[5, 1, 1], 7), [0, 0, 1, 0, 2, 0, 0]);
        let mut balance = Weighted::default();
        for weights in [&[3, 1][..], &[0, 7, 2], &[u32::MAX, u32::MAX], &[1, 2, 3, 4]] {
            let calls = chosen(&mut balance, weights, 1000);
            assert!(
                calls.iter().all(|place| weights.get(*place).is_some_and(|weight| *weight > 0)),
                "{weights:?}"
            );
        }
        let calls = chosen(&mut Weighted::default(), &[1, 2, 3, 4], 1000);
        for (place, share) in [100, 200, 300, 400].into_iter().enumerate() {
            assert_eq!(calls.iter().filter(|chosen| **chosen == place).count(), share);
        }
    }
}
