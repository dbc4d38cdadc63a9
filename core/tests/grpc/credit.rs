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

#[test]
pub(crate) fn the_next_goes_beyond_the_budget_when_the_oldest_is_there_but_for_its_end() {
    for length in [100, 300] {
        let mut pair = pair(10, 0);
        let [(oldest, served), (next, _)] = answered(&mut pair, Cardinality::One, length);
        pair.pass(Duration::from_secs(1));
        assert!(pair.client_events.iter().all(|event| !matches!(event, client::Event::Message { .. })));
        let came = pair.client.http2().stats().data_received;
        assert_eq!(came, 2 * (length as u64 + 5), "octets of {length}: {next:?} waits for {oldest:?}");
        pair.server.finish(served, &Status::OK);
        pair.settle();
        assert!(matches!(pair.client.recv_message(oldest), Received::Message(_)));
    }
}
