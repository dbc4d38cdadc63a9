//! Messages that the application has taken are its own: when it lets go of them steers nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use unwired_core::grpc::{Cardinality, Config, Received};

use crate::pair::{Pair, message};

/// Lengths of messages that the server sends in one round, and how many the client takes after it.
type Round = (Vec<usize>, usize);

/// What can be seen of a client that keeps each message, or none.
fn seen(rounds: &[Round], bdp: bool, keeps: bool) -> (Vec<usize>, u64, u64) {
    let mut config = Config::client();
    config.http2.initial_window = 3_000;
    config.http2.bdp = bdp;
    let mut pair = Pair::with(config, Config::server());
    pair.settle();
    let (call, served) = pair.call(Cardinality::One, Cardinality::Many);
    let (mut kept, mut drawn) = (Vec::new(), Vec::new());
    for (lengths, takes) in rounds {
        for &length in lengths {
            // One that finds no room is not sent, in both runs alike.
            let _ = pair.server.send_message(served, message(vec![1; length]));
        }
        pair.step();
        for _ in 0..*takes {
            let Received::Message(message) = pair.client.recv_message(call) else { break };
            kept.extend(keeps.then_some(message));
        }
        drawn.push(pair.client.partial_bytes());
    }
    pair.settle();
    let stats = pair.client.http2().stats();
    (drawn, stats.data_received, stats.frames_sent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn messages_that_are_kept_change_nothing(
        rounds in vec((vec(prop_oneof![1..50_usize, 1..700_usize, 1..2_000_usize, 1..9_000_usize], 0..4), 0..4_usize), 60),
        bdp in any::<bool>(),
    ) {
        prop_assert_eq!(seen(&rounds, bdp, true), seen(&rounds, bdp, false));
    }
}
