//! The server, and what is done to it and to the network.

use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;
use unwired::{Encoding, Server};
use unwired_proto::grpc::testing::test_service_server::TestServiceServer;
use unwired_sim::{JoinHandle, Random, Sim};
use unwired_suite::service::{Seen, Tester};

use crate::PORT;
use crate::plan::{GRACE, Plan, some_time};

/// A server that may have to be started again.
pub(crate) struct Serving<'a> {
    sim: &'a Sim,
    server: Server,
    pub(crate) seen: Arc<Seen>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl<'a> Serving<'a> {
    pub(crate) fn begin(sim: &'a Sim, plan: &Plan) -> Self {
        let seen = Arc::new(Seen::new(&sim.host("watch").runtime()));
        let service = TestServiceServer::new(Tester(Arc::clone(&seen)));
        let service = if plan.is_compressed { service.send_compressed(Encoding::Gzip) } else { service };
        let server = Server::builder()
            .add_service(service)
            .max_concurrent_streams(plan.max_streams)
            .drain_timeout(Duration::from_secs(5))
            // Clients ask more often than servers of the world allow: half-open connections are to be found out in a test.
            .configure(|config| {
                config.http2.ping_policy = None;
                config.http2.initial_window = plan.stream_window;
            });
        let server = match plan.max_age {
            Some(age) => server.max_connection_age(age).max_connection_age_grace(GRACE),
            None => server,
        };
        let server = match plan.max_idle {
            Some(idle) => server.max_connection_idle(idle),
            None => server,
        };
        let mut this = Self { sim, server: server.build(), seen, running: None };
        this.serve_again();
        this
    }

    /// Serves, unless it does.
    pub(crate) fn serve_again(&mut self) {
        if self.running.is_some() {
            return;
        }
        let host = self.sim.host("server");
        let bound = host.bind(PORT).unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = self.server.clone();
        let task = host.spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            bound.serve_with_shutdown(server, stopped).await.unwrap();
        });
        self.running = Some((stop, task));
    }

    /// Drains, if it serves.
    pub(crate) async fn stop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            drop(stop);
            task.await.unwrap();
        }
    }

    /// Does to the network and its hosts what comes to mind. Answers which client crashed, if one did.
    pub(crate) async fn live_through(&mut self, random: &mut Random, plan: &Plan) -> Option<usize> {
        let runtime = self.sim.host("watch").runtime();
        let mut crashed = None;
        for _ in 0..plan.deeds {
            runtime.sleep(some_time(random, Duration::from_secs(5))).await;
            let number = random.below(plan.clients);
            let client = &format!("client{number}");
            let pause = some_time(random, Duration::from_secs(60));
            match random.below(10) {
                0 | 1 => {
                    self.sim.partition(client, "server");
                    runtime.sleep(pause).await;
                    self.sim.heal(client, "server");
                }
                2 => self.sim.reset_connections(client, "server"),
                3 => self.sim.half_open(client, "server"),
                4 => self.sim.half_open("server", client),
                5 => {
                    self.sim.crash("server");
                    self.running = None;
                    runtime.sleep(pause).await;
                    self.serve_again();
                }
                6 => {
                    self.sim.cut_power("server");
                    self.running = None;
                    runtime.sleep(pause).await;
                    self.sim.restart("server");
                    self.serve_again();
                }
                7 | 8 => {
                    self.stop().await;
                    self.serve_again();
                }
                _ if crashed.is_none() && random.chance(0.3) => {
                    self.sim.crash(client);
                    crashed = Some(number);
                }
                _ => {}
            }
        }
        crashed
    }
}
