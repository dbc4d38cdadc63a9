//! The service that the tests call: what a greeting says decides what is done.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use unwired::{Request, Response, Server, Status};
use unwired_blocking::{Channel, Messages, Running, Streaming, Workers, write_with};
use unwired_proto::hello_service::hello_service_blocking_client::HelloServiceBlockingClient;
use unwired_proto::hello_service::hello_service_blocking_server::{HelloService, HelloServiceServer};
use unwired_proto::hello_service::{HelloRequest, HelloResponse};

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A gate that handlers wait at.
#[derive(Default)]
pub(crate) struct Gate {
    /// Handlers that have come to it, and whether it is open.
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        while !state.1 {
            state = self.changed.wait(state).unwrap();
        }
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    /// Waits until so many handlers have come.
    pub(crate) fn wait_for(&self, handlers: usize) {
        let mut state = self.state.lock().unwrap();
        while state.0 < handlers {
            state = self.changed.wait(state).unwrap();
        }
    }

    pub(crate) fn has_seen(&self) -> usize {
        self.state.lock().unwrap().0
    }
}

#[derive(Default)]
pub(crate) struct Hello {
    pub(crate) gate: Arc<Gate>,
    /// Calls that were seen to end while their handlers went on.
    pub(crate) cancelled: Arc<Gate>,
}

pub(crate) fn request(greeting: impl Into<String>) -> HelloRequest {
    HelloRequest { greeting: greeting.into() }
}

fn response(reply: impl Into<String>) -> HelloResponse {
    HelloResponse { reply: reply.into() }
}

impl HelloService for Hello {
    fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloResponse>, Status> {
        match request.get_ref().greeting.as_str() {
            "panic" => panic!("on purpose"),
            "fail" => Err(Status::not_found("nobody of that name")),
            "wait" => {
                self.gate.pass();
                Ok(Response::new(response("waited")))
            }
            "until cancelled" => {
                self.gate.pass();
                let call = request.cancellation().unwrap();
                while !call.is_cancelled() {
                    thread::sleep(Duration::from_millis(1));
                }
                self.cancelled.pass();
                Err(Status::cancelled("it was"))
            }
            name => {
                let mut reply = Response::new(response(format!("Hello, {name}")));
                if let Some(echo) = request.metadata().get("echo") {
                    reply.metadata_mut().insert("echo", echo).unwrap();
                    reply.trailers_mut().insert("echo-end", echo).unwrap();
                }
                Ok(reply)
            }
        }
    }

    fn lots_of_replies(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<impl Messages<Message = HelloResponse>>, Status> {
        let cancelled = Arc::clone(&self.cancelled);
        let greeting = request.into_inner().greeting;
        Ok(Response::new(write_with(move |sink| {
            let many = greeting.parse().unwrap_or(u64::MAX);
            for n in 0..many {
                if let Err(status) = sink.send(response(format!("{n} {}", "x".repeat(1000)))) {
                    cancelled.open();
                    cancelled.pass();
                    return Err(status);
                }
            }
            Ok(())
        })))
    }

    fn lots_of_greetings(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloResponse>, Status> {
        let mut all = Vec::new();
        for message in request.into_inner() {
            let message = message?.greeting;
            if message == "fail" {
                return Err(Status::invalid_argument("this is no greeting"));
            }
            all.push(message);
        }
        Ok(Response::new(response(all.join(","))))
    }

    fn bidi_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<impl Messages<Message = HelloResponse>>, Status> {
        let replies =
            request.into_inner().map(|message| Ok(response(format!("Hello, {}", message?.greeting))));
        Ok(Response::new(replies))
    }
}

/// A server of [`Hello`] in `workers`.
pub(crate) struct Serving {
    pub(crate) running: Running,
    pub(crate) gate: Arc<Gate>,
    pub(crate) cancelled: Arc<Gate>,
}

impl Serving {
    pub(crate) fn new() -> Self {
        Self::with(&Workers::new())
    }

    pub(crate) fn with(workers: &Workers) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), workers)
    }

    pub(crate) fn at(address: SocketAddr, workers: &Workers) -> Self {
        let hello = Hello::default();
        let (gate, cancelled) = (Arc::clone(&hello.gate), Arc::clone(&hello.cancelled));
        let server = Server::builder().add_service(workers.run(HelloServiceServer::new(hello)));
        let running = unwired_blocking::bind(address).unwrap().start(server).unwrap();
        Self { running, gate, cancelled }
    }

    pub(crate) fn channel(&self) -> Channel {
        let address = self.running.local_addr().unwrap();
        unwired_blocking::connect(format!("http://{address}")).unwrap()
    }

    pub(crate) fn client(&self) -> HelloServiceBlockingClient {
        HelloServiceBlockingClient::new(self.channel())
    }
}
