//! Wishes into grants: who may send how much ahead of being read.
//!
//! A stream may always hold its initial window. Credit beyond it comes out of one budget of the connection, for the one
//! message that the application waits for, as its bytes arrive; it goes back when the message is taken or dies. The oldest
//! unfinished message that somebody waits for gets its credit in any case, so that messages longer than a window always
//! arrive, one after the other if need be. So what peers can make us hold is
//! `streams × initial window + budget + one message`, as long as the application takes what it has asked for: whole
//! messages that it leaves lying keep what they drew, and still hold up no other call: they may be waiting for just that.

use std::collections::VecDeque;

use super::CallId;
use super::receiving::Wished;
use crate::http2::step;

/// What one call has beyond its initial window, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Account {
    drawn: usize,
    /// Stands in the queue of those who wait for credit.
    queued: bool,
}

impl Account {
    /// Whether the call waits for more than its stream may hold.
    pub(crate) const fn is_queued(&self) -> bool {
        self.queued
    }
}

/// The budget of a connection.
#[derive(Debug)]
pub(crate) struct Credit {
    budget: usize,
    used: usize,
    /// The initial window of a stream.
    base: usize,
    /// Calls whose message needs more than its stream may hold, the oldest wish first.
    waiting: VecDeque<CallId>,
    /// The call that was given more than the budget has, until its message may be had. Only then may another be: a peer
    /// that sends all but the last octet of each message would get them all past the budget, one after the other. Where
    /// one message belongs, the end of the stream is the last of it: before that the application cannot take it, and
    /// what it holds is held.
    beyond: Option<CallId>,
}

impl Credit {
    pub(crate) const fn new(budget: usize, base: usize) -> Self {
        Self { budget, used: 0, base, waiting: VecDeque::new(), beyond: None }
    }

    pub(crate) const fn set_budget(&mut self, budget: usize) {
        self.budget = budget;
    }

    /// How many bytes are drawn (gauge).
    pub(crate) const fn used(&self) -> usize {
        self.used
    }

    /// The peer may send `outstanding` more on a stream whose reader waits for `wished`. Answers how much to grant now.
    /// Below zero is what the peer has sent beyond its window, by SETTINGS that did not hold any more: that has to be made
    /// up for first.
    ///
    /// Each step doubles what may be there, so that a message that was announced and does not come costs about as much as
    /// has come of it. A step is what arrives in a round trip at least, `window`, and the steps meet at the whole message:
    /// the buffer grows in the same ones, and never beyond what was drawn for it.
    pub(crate) fn wish(
        &mut self,
        call: CallId,
        account: &mut Account,
        wished: Wished,
        outstanding: i64,
        window: usize,
    ) -> usize {
        let Wished { total, missing, behind } = wished;
        let told = usize::try_from(outstanding).unwrap_or(0);
        if missing.saturating_add(behind) <= told {
            self.leave_queue(call, account);
            return 0;
        }
        if !account.queued {
            account.queued = true;
            self.waiting.push_back(call);
        }
        let window = window.max(self.base).max(1);
        if told > window / 2 {
            // Enough for now; the next DATA asks again.
            return 0;
        }
        let here = total.saturating_sub(missing);
        let beyond = usize::try_from(outstanding.saturating_neg()).unwrap_or(0);
        let may_be_there = here.saturating_add(told);
        let at_least = may_be_there.saturating_mul(2).max(here.saturating_add(window));
        let reached = step(total, at_least.min(total));
        let reached = if reached < total { reached } else { total.saturating_add(behind) };
        let wanted = reached.saturating_sub(may_be_there).saturating_add(beyond);
        if wanted > self.room() {
            // What was announced need not come: only one at a time goes beyond the budget, and the oldest.
            if !self.may_go_beyond(call) {
                return 0;
            }
            self.beyond = Some(call);
        }
        self.used = self.used.saturating_add(wanted);
        account.drawn = account.drawn.saturating_add(wanted);
        wanted
    }

    /// What may still be drawn.
    fn room(&self) -> usize {
        self.budget.saturating_sub(self.used)
    }

    /// A reader that keeps up may have up to `window` bytes under way: answers how much to grant now, as far as the
    /// budget goes.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "at most up to the budget, and an account has a part of what is used"
    )]
    pub(crate) fn widen(&mut self, account: &mut Account, window: usize, outstanding: i64) -> usize {
        let room = self.room();
        let told = usize::try_from(outstanding).unwrap_or(0);
        let step = window.saturating_sub(told.max(window / 2)).min(room);
        self.used += step;
        account.drawn += step;
        step
    }

    /// The application took `bytes`, and what is left has a buffer of `capacity`. Answers how much of it the peer may send
    /// again; the rest goes back to the budget, but not as long as the buffer that it paid for is there.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "an account has a part of what is used, and returns no more than that"
    )]
    pub(crate) fn took(&mut self, account: &mut Account, bytes: usize, capacity: usize) -> usize {
        let returned = if capacity <= self.base { account.drawn.min(bytes) } else { 0 };
        account.drawn -= returned;
        self.used -= returned;
        bytes - returned
    }

    fn may_go_beyond(&self, call: CallId) -> bool {
        match self.beyond {
            Some(other) => other == call,
            None => self.waiting.front() == Some(&call),
        }
    }

    /// The call's message may be had, or nobody waits for it any more.
    pub(crate) fn unqueue(&mut self, call: CallId, account: &mut Account) {
        self.beyond = self.beyond.filter(|&other| other != call);
        self.leave_queue(call, account);
    }

    /// The call needs no more credit. If it went beyond the budget it goes on to stand there, until its message may be had.
    pub(crate) fn leave_queue(&mut self, call: CallId, account: &mut Account) {
        if core::mem::take(&mut account.queued) {
            self.waiting.retain(|&other| other != call);
        }
    }

    /// The call is over: all goes back.
    #[expect(clippy::arithmetic_side_effects, reason = "an account has a part of what is used")]
    pub(crate) fn close(&mut self, call: CallId, account: &mut Account) {
        self.unqueue(call, account);
        self.used -= core::mem::take(&mut account.drawn);
    }

    /// Those who wait, the oldest first, when there is something to give: the budget has room, or there is a new oldest.
    pub(crate) fn waiting(&self, nth: usize) -> Option<CallId> {
        if nth > 0 && self.room() < self.base {
            return None;
        }
        self.waiting.get(nth).copied()
    }
}
