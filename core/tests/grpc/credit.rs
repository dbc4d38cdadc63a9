//! Who comes next in the queue for credit: nobody waits for one that has no need of it.

use std::time::Duration;

use unwired_core::grpc::{CallId, Cardinality, Config, Received, Status, client};

use crate::pair::{Pair, message};

/// A client that gives `window` to each stream, and `budget` to all of them.
fn pair(window: u32, budget: usize) -> Pair {
    let mut config = Config::client();
    config.http2.initial_window = window;
    config.http2.bdp = false;
    config.partial_message_budget = budget;
    let mut pair = Pair::with(config, Config::server());
    pair.settle();
    pair
}

/// Calls that are read at the client, and whose server has sent a message of `length`.
fn answered<const N: usize>(pair: &mut Pair, response: Cardinality, length: usize) -> [(CallId, CallId); N] {
    let calls = std::array::from_fn(|_| pair.call(Cardinality::One, response));
    for &(call, served) in &calls {
        assert!(matches!(pair.client.recv_message(call), Received::Pending));
        pair.server.send_message(served, message(vec![7; length])).unwrap();
    }
    calls
}

/// How somebody comes to ask again for the oldest call, which has been given all that it needs for now.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// Its reader does, as often as it is polled.
    ByItsReader,
    /// Another call ended, and its credit is dealt out.
    ForANeighbourThatEnds,
}

/// Threats: G3.
#[test]
pub(crate) fn the_next_goes_beyond_the_budget_when_the_oldest_has_enough() {
    for asked in [Asked::ByItsReader, Asked::ForANeighbourThatEnds] {
        // Two octets of a prefix need no credit, and three that the oldest gets are all that there is.
        let mut pair = pair(2, 3);
        let (neighbour, _) = pair.call(Cardinality::One, Cardinality::Many);
        let [(oldest, _), (next, _)] = answered(&mut pair, Cardinality::Many, 300);
        while pair.client.partial_bytes() == 0 {
            pair.pass(Duration::from_millis(1));
        }
        // Small windows are not used at once: the octets are still to come when the oldest leaves the queue. With them it
        // comes back behind the other, for its message.
        match asked {
            Asked::ByItsReader => assert!(matches!(pair.client.recv_message(oldest), Received::Pending)),
            Asked::ForANeighbourThatEnds => pair.client.release(neighbour),
        }
        for call in [next, oldest] {
            pair.pass(Duration::from_secs(1));
            let announced = client::Event::Message { call };
            assert!(pair.client_events.contains(&announced), "{asked:?}: {call:?} waits for ever");
            assert!(matches!(pair.client.recv_message(call), Received::Message(_)));
        }
    }
}

/// Threats: G3.
#[test]
pub(crate) fn the_next_goes_beyond_the_budget_when_the_oldest_was_taken_though_its_stream_goes_on() {
    // In one DATA frame and in several.
    for length in [100, 300, 50_000, 200_000] {
        let mut pair = pair(10, 0);
        let calls: [_; 3] = answered(&mut pair, Cardinality::Many, length);
        for (call, _) in calls {
            pair.pass(Duration::from_secs(1));
            assert!(matches!(pair.client.recv_message(call), Received::Message(_)), "octets of {length}");
            assert!(matches!(pair.client.recv_message(call), Received::Pending));
        }
        assert_eq!((pair.client.active_calls(), pair.client.partial_bytes()), (calls.len(), 0));
    }
}

/// What has to be the only message cannot be taken before its end, and so it keeps its place until then.
///
/// Threats: G3.
#[test]
pub(crate) fn the_next_goes_beyond_the_budget_when_the_oldest_has_ended_and_not_before() {
    for length in [100, 300, 50_000, 200_000] {
        let mut pair = pair(10, 0);
        let calls: [_; 3] = answered(&mut pair, Cardinality::One, length);
        for (nth, (call, served)) in calls.into_iter().enumerate() {
            pair.pass(Duration::from_secs(1));
            assert!(
                matches!(pair.client.recv_message(call), Received::Pending),
                "it may not be the only one"
            );
            let came = pair.client.http2().stats().data_received as usize;
            let windows = (calls.len() - nth - 1) * 10;
            assert_eq!(came, (nth + 1) * (length + 5) + windows, "the {nth}th of {length} octets is there");
            pair.server.finish(served, &Status::OK);
            pair.settle();
            assert!(matches!(pair.client.recv_message(call), Received::Message(_)));
        }
        assert_eq!(pair.client.partial_bytes(), 0);
    }
}

/// Threats: G3.
#[test]
pub(crate) fn the_next_goes_beyond_the_budget_when_the_oldest_is_given_up_before_its_end() {
    for cancels in [true, false] {
        let mut pair = pair(10, 0);
        let [(oldest, served), (next, _)] = answered(&mut pair, Cardinality::One, 300);
        pair.pass(Duration::from_secs(1));
        if cancels {
            pair.client.cancel(oldest);
        } else {
            pair.server.release(served);
        }
        pair.pass(Duration::from_secs(1));
        let came = pair.client.http2().stats().data_received;
        assert_eq!(came, 2 * 305, "{next:?} waits for {oldest:?}");
    }
}

/// Some senders look for the end of their data only where a window has room: nghttp2, and so all that Node.js serves.
///
/// Threats: G3.
#[test]
pub(crate) fn a_whole_message_leaves_room_behind_it_while_its_end_is_to_come() {
    for (window, budget) in [(10, 0), (105, 0), (1 << 16, 1 << 20)] {
        for length in [100, 300, 50_000, (1 << 16) - 5, 200_000] {
            let mut pair = pair(window, budget);
            let [(call, served)] = answered(&mut pair, Cardinality::One, length);
            pair.pass(Duration::from_secs(1));
            assert_eq!(pair.client.http2().stats().data_received as usize, length + 5);
            // A second message tells: it may not come, and its first octet may be sent.
            pair.server.send_message(served, message(vec![7; length])).unwrap();
            pair.pass(Duration::from_secs(1));
            let came = pair.client.http2().stats().data_received as usize;
            assert!(came > length + 5, "no room behind {length} octets, window {window}, budget {budget}");
            assert!(pair.client_events.contains(&client::Event::Message { call }));
        }
    }
}
