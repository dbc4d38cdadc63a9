//! Memory for what is encoded, where it is so much that to get it anew is what a message costs.
//!
//! An allocator gives what is large and at its end back to the system as soon as it is free, and gets it again for the next
//! message: every page of it comes empty, with a fault. So the memory of the last large messages is kept, and a message is
//! encoded where one before it was as soon as nobody holds that any more.

use core::mem::replace;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use bytes::BytesMut;

use crate::Instant;
use crate::sync::{Mutex, lock};

/// Less is the allocator's alone, octets.
const LARGE: usize = 64 << 10;
/// What a process keeps in all, octets.
const KEPT: usize = 16 << 20;
/// The memory of how many messages is kept.
const KEPT_PIECES: usize = 16;
/// What was not used for so long is given back by the next turn of any connection.
const GIVE_BACK_AFTER: Duration = Duration::from_secs(1);

/// One for the process: the threads that encode are the application's, and each may be one of many.
static KEEPER: Mutex<Keeper> = Mutex::new(Keeper::new());
/// Whether there is anything to give back: it is asked by each turn of each connection.
static KEEPS: AtomicBool = AtomicBool::new(false);

/// Makes room in `out` for `additional` octets that a codec is about to append.
///
/// As [`BytesMut::reserve`]; large room is memory that a message before it had, if nobody holds that any more. A process
/// keeps at most 16 MiB for it. After a second without use, that is given back when next any connection of the process has
/// something to do: no timer runs for it, so while all of them are silent it is kept.
#[inline]
pub fn make_room(out: &mut BytesMut, additional: usize) {
    if additional < LARGE {
        out.reserve(additional);
    } else {
        make_large_room(&KEEPER, out, additional);
    }
}

#[cold]
fn make_large_room(keeper: &Mutex<Keeper>, out: &mut BytesMut, additional: usize) {
    let needed = out.len().saturating_add(additional);
    // What is in front is copied: it is to be little.
    if needed > KEPT || out.len() > LARGE || out.capacity() >= needed {
        out.reserve(additional);
        return;
    }
    let room = lock(keeper).take(needed);
    KEEPS.store(true, Ordering::Relaxed);
    let before = replace(out, room);
    out.extend_from_slice(&before);
}

/// Gives back what was not used for a while; `now` is when a connection has its turn.
#[inline]
pub(crate) fn give_back(now: Instant) {
    if KEEPS.load(Ordering::Relaxed) {
        let mut keeper = lock(&KEEPER);
        keeper.give_back(now);
        KEEPS.store(!keeper.pieces.is_empty(), Ordering::Relaxed);
    }
}

/// What is kept.
#[derive(Debug)]
struct Keeper {
    /// The last used comes last.
    pieces: Vec<Piece>,
    /// Octets of all of them.
    octets: usize,
    /// Something was taken since this was last looked at.
    used: bool,
    /// When something had been taken, as far as is known.
    used_at: Instant,
}

/// Memory of which a message has, or had, all but the end: as long as it is held there, it cannot be had again.
#[derive(Debug)]
struct Piece {
    end: BytesMut,
    capacity: usize,
}

impl Keeper {
    const fn new() -> Self {
        Self { pieces: Vec::new(), octets: 0, used: false, used_at: Instant::ZERO }
    }

    /// Room for exactly `needed` octets.
    fn take(&mut self, needed: usize) -> BytesMut {
        self.used = true;
        // What waits to be sent is counted by its octets, so it must not hold much more memory than that.
        let fits = |piece: &Piece| piece.capacity >= needed && piece.capacity / 2 <= needed;
        let found = self.pieces.iter_mut().position(|piece| fits(piece) && piece.end.try_reclaim(needed));
        let mut piece = match found {
            Some(found) => self.pieces.remove(found),
            None => {
                let room = BytesMut::with_capacity(needed);
                let piece = Piece { capacity: room.capacity(), end: room };
                self.octets = self.octets.saturating_add(piece.capacity);
                piece
            }
        };
        let end = piece.end.split_off(needed);
        let room = replace(&mut piece.end, end);
        self.pieces.push(piece);
        self.trim();
        room
    }

    /// Lets go of what was not used for longest, until the rest may be kept.
    fn trim(&mut self) {
        let mut surplus = self.pieces.len().saturating_sub(KEPT_PIECES);
        while surplus > 0 || self.octets > KEPT {
            let Piece { capacity, .. } = self.pieces.remove(0);
            self.octets = self.octets.saturating_sub(capacity);
            surplus = surplus.saturating_sub(1);
        }
    }

    fn give_back(&mut self, now: Instant) {
        // Runtimes of one process need not have the same clock.
        if replace(&mut self.used, false) || now < self.used_at {
            self.used_at = now;
        }
        if now - self.used_at >= GIVE_BACK_AFTER {
            self.pieces = Vec::new();
            self.octets = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// A message as a codec would encode it, and where it lies.
    fn message(keeper: &Mutex<Keeper>, length: usize) -> (Bytes, usize) {
        let mut out = BytesMut::new();
        make_large_room(keeper, &mut out, length);
        assert!(out.capacity() >= length);
        out.resize(length, 7);
        let at = out.as_ptr() as usize;
        (out.freeze(), at)
    }

    #[test]
    fn memory_is_used_again_once_nobody_holds_it() {
        let keeper = Mutex::new(Keeper::new());
        let (first, first_at) = message(&keeper, 1 << 20);
        let part = first.slice(5..9);
        drop(first);
        let (second, second_at) = message(&keeper, 1 << 20);
        assert_ne!(first_at, second_at, "a part of the first is still held");
        assert_eq!(part, [7; 4][..]);
        drop(part);
        assert_eq!(message(&keeper, 1 << 20).1, first_at);
        assert_ne!(message(&keeper, 1 << 20).1, second_at, "the second is still held");
        drop(second);
    }

    #[test]
    fn what_is_in_front_stays_there() {
        for length in [1, 1 << 20] {
            let mut out = BytesMut::from(&b"prefix"[..]);
            make_room(&mut out, length);
            assert_eq!(out, b"prefix"[..]);
            assert!(out.capacity() >= 6 + length);
        }
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let keeper = Mutex::new(Keeper::new());
        let held: Vec<_> = (0..30).map(|_| message(&keeper, 1 << 20)).collect();
        assert_eq!(lock(&keeper).octets, KEPT);
        drop(held);
        for length in [KEPT, KEPT + 1, LARGE] {
            drop(message(&keeper, length));
            let Keeper { octets, pieces, .. } = &*lock(&keeper);
            assert!(*octets <= KEPT && !pieces.is_empty());
            assert_eq!(pieces.iter().map(|piece| piece.capacity).sum::<usize>(), *octets);
        }
        for _ in 0..100 {
            let held: Vec<_> = (0..KEPT_PIECES + 1).map(|_| message(&keeper, LARGE)).collect();
            assert_eq!(lock(&keeper).pieces.len(), KEPT_PIECES);
            drop(held);
        }
    }

    #[test]
    fn a_message_gets_no_more_than_twice_what_it_needs() {
        let keeper = Mutex::new(Keeper::new());
        let (_, large_at) = message(&keeper, 1 << 20);
        let (small, small_at) = message(&keeper, (1 << 19) - 1);
        assert!(!(large_at..large_at + (1 << 20)).contains(&small_at));
        drop(small);
        assert_eq!(message(&keeper, 1 << 19).1, large_at);
    }

    #[test]
    fn after_a_while_without_use_it_is_given_back() {
        let keeper = Mutex::new(Keeper::new());
        let give_back_at = |now| {
            lock(&keeper).give_back(now);
            lock(&keeper).octets
        };
        drop(message(&keeper, 1 << 20));
        let start = Instant::ZERO + Duration::from_secs(5);
        assert_eq!(give_back_at(start), 1 << 20);
        assert_eq!(give_back_at(start + Duration::from_millis(999)), 1 << 20);
        drop(message(&keeper, 1 << 20));
        assert_eq!(give_back_at(start + GIVE_BACK_AFTER), 1 << 20);
        // Another clock.
        assert_eq!(give_back_at(Instant::ZERO), 1 << 20);
        assert_eq!(give_back_at(Instant::ZERO + GIVE_BACK_AFTER), 0);
    }
}
