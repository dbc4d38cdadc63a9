//! [`unwired`] in simulated time, on a simulated network.
//!
//! A [`Sim`] holds hosts with names, the network between them, and the time. Servers and channels of the ordinary generated
//! code run in it unchanged. Everything in it is a value that a seed decides: the order of tasks, every delay, every torn
//! write and every fault. So an hour of deadlines and retries takes milliseconds, and a seed that fails fails again.
//!
//! ```
//! use std::time::Duration;
//!
//! use unwired::{Code, Request, Server};
//! use unwired_examples::greeter::PoliteGreeter;
//! use unwired_proto::helloworld::HelloRequest;
//! use unwired_proto::helloworld::greeter_client::GreeterClient;
//! use unwired_proto::helloworld::greeter_server::GreeterServer;
//!
//! unwired_sim::check(0..100, |sim| {
//!     let (client, server) = (sim.host("client"), sim.host("server"));
//!     let services = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
//!     drop(server.serve(50051, services).unwrap());
//!
//!     let channel = client.channel("http://server:50051").unwrap().connect_lazy();
//!     let greeter = GreeterClient::new(channel);
//!     let hello = || {
//!         let mut request = Request::new(HelloRequest { name: "you".to_owned() });
//!         request.set_timeout(Duration::from_secs(3600));
//!         request
//!     };
//!     sim.run_until(async {
//!         let reply = greeter.say_hello(hello()).await.unwrap().into_inner();
//!         assert_eq!(reply.message, "Hello, you!");
//!
//!         sim.partition("client", "server");
//!         let status = greeter.say_hello(hello()).await.unwrap_err();
//!         assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Unavailable));
//!     });
//! });
//! ```
//!
//! **What runs in it.** Everything that takes its time and its tasks from `unwired`: [`Request::runtime`] in a handler,
//! [`Channel::runtime`] beside a channel, [`Host::runtime`] anywhere. What asks the system instead, for the time, for a
//! thread, for random numbers, is not in the simulation: it works, but a seed does not decide it. Nothing in `unwired` does
//! so, except for TLS, whose keys are random.
//!
//! **What fails.** [`check`] runs a test with many seeds and says of the first that fails how to run it again;
//! `UNWIRED_SIM_SEED=n` runs that one alone, and `UNWIRED_SIM_LOG=1` prints all that happens in it. [`Sim::digest`] is one
//! number for all that has happened.
//!
//! **It panics** where a test is wrong, and says why: a tool of tests may, what runs in it does not.
//!
//! **The network** is like TCP: bytes come in order or not at all; what was written and not read is bounded; a connect is
//! answered, refused or given up after two minutes; what a partition holds is sent again for a quarter of an hour. Faults
//! come [by chance](Faults) or on demand: [`Sim::partition`], [`Sim::crash`], [`Sim::cut_power`],
//! [`Sim::half_open`], [`Sim::reset_connections`].
//!
//! `docs/simulation.md` in the repository tests a service from its deadline to its drain.
//!
//! [`Request::runtime`]: unwired::Request::runtime
//! [`Channel::runtime`]: unwired::Channel::runtime

mod agenda;
mod check;
mod host;
mod log;
mod network;
mod random;
mod sim;
mod tasks;
mod timer;
mod world;

pub use check::{check, seeds};
pub use host::{Crashed, Host, JoinHandle};
pub use network::{Faults, Link};
pub use random::Random;
pub use sim::Sim;

/// The code in the guide compiles, and its tests pass.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/simulation.md")]
    struct Guide;
}
