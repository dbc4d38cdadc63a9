//! The same seed, the same run.

use unwired::Server;
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_sim::Sim;

/// Two greetings at a time, with their answers; the digest of it all.
fn greet(seed: u64) -> u64 {
    let sim = Sim::new(seed);
    let (client, server) = (sim.host("client"), sim.host("server"));
    drop(server.serve(50051, Server::builder().add_service(GreeterServer::new(PoliteGreeter))).unwrap());
    let greeter = GreeterClient::new(client.channel("http://server:50051").unwrap().connect_lazy());
    sim.run_until(async {
        let greet = |name: &str| greeter.say_hello(HelloRequest { name: name.to_owned() });
        let (one, other) = futures_util::future::join(greet("one"), greet("other")).await;
        assert_eq!(one.unwrap().into_inner().message, "Hello, one!");
        assert_eq!(other.unwrap().into_inner().message, "Hello, other!");
    });
    drop(greeter);
    sim.run_until_idle();
    assert_eq!(sim.connections(), 0, "a channel that nobody holds closes its connection");
    sim.digest()
}

#[test]
fn the_same_seed_is_the_same_run() {
    let digests: Vec<_> = (0..20).map(greet).collect();
    for (seed, digest) in (0..).zip(&digests) {
        assert_eq!(greet(seed), *digest, "seed {seed}");
        let same = digests.iter().filter(|other| *other == digest).count();
        assert_eq!(same, 1, "seed {seed} is like another");
    }
}
