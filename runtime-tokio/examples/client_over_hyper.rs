//! Calls over a connection of hyper: `cargo run -p unwired-tokio --example greeter_server`, then
//! `cargo run -p unwired-tokio --example client_over_hyper`.

use std::error::Error;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower_service::Service;
use unwired::mount::{Body, HttpClient};
use unwired::transport::BoxFuture;
use unwired_examples::greeter::greet;

const SERVER: &str = "localhost:50051";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let socket = TcpStream::connect(SERVER).await?;
    let (requests, connection) =
        http2::handshake::<_, _, Body>(TokioExecutor::new(), TokioIo::new(socket)).await?;
    tokio::spawn(connection);

    let client = HttpClient::new(Connection(requests)).reset_codes(code_of);
    let channel = unwired_tokio::channel(format!("http://{SERVER}"))?.over(client).connect_lazy();
    greet(channel, "world").await?;
    Ok(())
}

/// The connection as a service of tower.
#[derive(Clone)]
struct Connection(SendRequest<Body>);

impl Service<Request<Body>> for Connection {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, hyper::Result<Response<Incoming>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// Why the server has reset a stream, which to gRPC is a status.
fn code_of(error: &(dyn Error + 'static)) -> Option<u32> {
    Some(error.downcast_ref::<h2::Error>()?.reason()?.into())
}
