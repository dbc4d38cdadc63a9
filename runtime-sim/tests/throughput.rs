//! What one call moves over a long way, in virtual time: the windows follow what arrives in a round trip.

use std::sync::Arc;
use std::time::Duration;

use unwired::Server;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::test_service_server::TestServiceServer;
use unwired_sim::{Link, Sim};
use unwired_suite::messages::{input, simple};
use unwired_suite::service::{Seen, Tester};

const MB: usize = 1_000_000;

/// A client and a server 50 ms apart, with 100 MB a second in between.
fn far_away(test: impl AsyncFn(&Sim, TestServiceClient)) {
    let sim = Sim::new(1);
    let link = Link::default().latency(Duration::from_millis(50)).bandwidth(100 * MB as u64);
    sim.set_default_link(link.buffer(16 << 20));
    let seen = Arc::new(Seen::new(&sim.host("watch").runtime()));
    let server = Server::builder().add_service(TestServiceServer::new(Tester(seen)));
    drop(sim.host("server").serve(1, server.max_decoding_message_size(100 * MB)).unwrap());
    let channel = sim.host("client").channel("http://server:1").unwrap().connect_lazy();
    let client = TestServiceClient::new(channel).max_decoding_message_size(100 * MB);
    sim.run_until(test(&sim, client));
}

#[test]
fn a_long_message_is_not_held_to_a_window_in_each_round_trip() {
    far_away(async |sim, client| {
        // With 64 KiB in each round trip they would take 13 s and 38 s.
        for (size, most) in [(4 * MB, 4), (4 * MB, 3), (12 * MB, 6)] {
            let begun = sim.now();
            client.unary_call(simple(vec![7; size])).await.unwrap();
            let took = sim.now() - begun;
            println!("{size} bytes there and back: {took:?}");
            assert!(took < Duration::from_secs(most), "{size} bytes take {took:?}");
        }
    });
}

#[test]
fn a_stream_that_is_read_as_it_comes_fills_the_wire() {
    far_away(async |sim, client| {
        // With 64 KiB in each round trip it would be 0.6 MB/s.
        for (count, size) in [(50_000, 1_000), (5_000, 16_000), (100, MB)] {
            let begun = sim.now();
            let messages = futures_util::stream::iter(vec![input(vec![1; size]); count]);
            client.streaming_input_call(messages).await.unwrap();
            let rate = (count * size) as f64 / (sim.now() - begun).as_secs_f64() / MB as f64;
            println!("{count} messages of {size} bytes: {rate:.1} MB/s");
            assert!(rate > 5.0, "{count} messages of {size} bytes: {rate:.1} MB/s");
        }
    });
}
