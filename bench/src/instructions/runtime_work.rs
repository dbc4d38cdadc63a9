//! Server and channel with everything that users have: driver, handlers, stubs, prost.

use core::task::{Context, Poll, Waker};
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};

use unwired::codec::Prost;
use unwired::generated::Client;
use unwired::server::Bound;
use unwired::transport::{Address, ByteStream, Peer, Runtime};
use unwired::{Channel, Request, Response, Server, Status, Target};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use super::flow::{self, Flow};
use super::runtime::Single;
use super::{IN_FLIGHT, MESSAGES};
use crate::wire::answers::{Answers, Replaying};
use crate::wire::requests;

type Counter = Arc<Mutex<usize>>;

fn count(counter: &Counter) {
    *counter.lock().unwrap_or_else(PoisonError::into_inner) += 1;
}

fn counted(counter: &Counter) -> usize {
    *counter.lock().unwrap_or_else(PoisonError::into_inner)
}

// ---- servers

struct MyGreeter(Counter);

impl Greeter for MyGreeter {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        count(&self.0);
        let message = format!("Hello, {}!", request.into_inner().name);
        Ok(Response::new(HelloReply { message }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

/// A client that has sent all it has to say, and throws away what it gets.
struct Replay {
    chunks: std::vec::IntoIter<Vec<u8>>,
    /// Who waits for more; nothing else keeps its task.
    reader: Option<Waker>,
    peer: Peer,
}

impl Replay {
    fn new(chunks: Vec<Vec<u8>>) -> Self {
        Self { chunks: chunks.into_iter(), reader: None, peer: Peer::default() }
    }
}

impl ByteStream for Replay {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(chunk) = self.chunks.next() else {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        buffer[..chunk.len()].copy_from_slice(&chunk);
        Poll::Ready(Ok(chunk.len()))
    }

    fn poll_write_vectored(
        &mut self,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

fn run_server(server: Server, stream: Replay) {
    let single = Single::new(stream);
    let handle = single.handle();
    let runtime = single.clone();
    handle.spawn(async move {
        if let Ok(listener) = runtime.listen(&Address::Memory).await {
            let bound = Bound::new(runtime.handle(), unwired::transport::Listen::boxed(listener));
            let _ = bound.serve(server).await;
        }
    });
    single.run();
}

/// Answers the first `rounds` rounds of `requests`.
#[inline(never)]
pub(super) fn serve(mut requests: Vec<Vec<u8>>, rounds: usize) {
    requests.truncate(1 + rounds);
    let answered = Counter::default();
    let server = Server::builder().add_service(GreeterServer::new(MyGreeter(Arc::clone(&answered)))).build();
    run_server(server, Replay::new(requests));
    assert_eq!(counted(&answered), rounds * IN_FLIGHT, "every call is answered");
}

/// Sends so many rounds of messages on one call.
#[inline(never)]
pub(super) fn send_stream(rounds: usize) {
    let sent = Counter::default();
    let service = Flow { messages: rounds * MESSAGES, sent: Arc::clone(&sent), settings: Default::default() };
    let request = requests::single(flow::PATH.as_bytes());
    run_server(Server::builder().add_service(service).build(), Replay::new(vec![request]));
    assert_eq!(counted(&sent), rounds * MESSAGES, "every message is sent");
}

// ---- clients

/// A server in the place of a socket.
struct Replayed {
    server: Replaying,
    buffer: Vec<u8>,
    reader: Option<Waker>,
    peer: Peer,
}

impl Replayed {
    fn new(answers: Answers) -> Self {
        Self { server: Replaying::new(answers), buffer: Vec::new(), reader: None, peer: Peer::default() }
    }
}

impl ByteStream for Replayed {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if !self.server.has_output() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.buffer.clear();
        self.server.write(&mut self.buffer);
        buffer[..self.buffer.len()].copy_from_slice(&self.buffer);
        Poll::Ready(Ok(self.buffer.len()))
    }

    fn poll_write_vectored(
        &mut self,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        for slice in slices {
            self.server.read(slice);
        }
        if self.server.has_output()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// Makes so many rounds of calls, each of a round in a task of its own.
#[inline(never)]
pub(super) fn call(rounds: usize) {
    let single = Single::new(Replayed::new(Answers::Greetings));
    let handle = single.handle();
    let channel = Channel::builder(handle.clone(), Target::Address(Address::Memory)).connect_lazy();
    let ended = Counter::default();
    for _ in 0..IN_FLIGHT {
        let (client, ended) = (GreeterClient::new(channel.clone()), Arc::clone(&ended));
        handle.spawn(async move {
            for _ in 0..rounds {
                let answer = client.say_hello(HelloRequest { name: "you".into() }).await;
                if answer.is_ok_and(|answer| answer.get_ref().message == "Hello, you!") {
                    count(&ended);
                }
            }
        });
    }
    single.run();
    assert_eq!(counted(&ended), rounds * IN_FLIGHT, "every call ends well");
}

/// Receives so many rounds of messages on one call.
#[inline(never)]
pub(super) fn receive_stream(rounds: usize) {
    let single = Single::new(Replayed::new(Answers::Stream(rounds * MESSAGES)));
    let handle = single.handle();
    let channel = Channel::builder(handle.clone(), Target::Address(Address::Memory)).connect_lazy();
    let received = Counter::default();
    let counter = Arc::clone(&received);
    handle.spawn(async move {
        let client = Client::new(channel);
        let request = Request::new(HelloRequest { name: "you".into() });
        let answer = client.server_streaming::<Prost, _, HelloReply>(flow::PATH, request).await;
        let Ok(mut messages) = answer.map(Response::into_inner) else { return };
        while let Ok(Some(_)) = messages.message().await {
            count(&counter);
        }
    });
    single.run();
    assert_eq!(counted(&received), rounds * MESSAGES, "every message is received");
}
