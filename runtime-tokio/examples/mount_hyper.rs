//! The greeter in a server of hyper: `cargo run -p unwired-tokio --example mount_hyper`, then
//! `cargo run -p unwired-tokio --example greeter_client`.

use std::error::Error;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tower_service::Service;
use unwired::Server;
use unwired::mount::Mount;
use unwired::transport::Peer;
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_tokio::Tokio;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mount = Mount::new(Server::builder().add_service(GreeterServer::new(PoliteGreeter)), Tokio::handle());
    let listener = TcpListener::bind("[::]:50051").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, remote) = listener.accept().await?;
        let mount = mount.clone();
        // Handlers ask their requests who calls.
        let service = service_fn(move |mut request: Request<Incoming>| {
            let peer = Peer { remote: Some(remote.into()), ..Peer::default() };
            request.extensions_mut().insert(peer);
            mount.clone().call(request)
        });
        tokio::spawn(async move {
            let connection = http2::Builder::new(TokioExecutor::new());
            if let Err(error) = connection.serve_connection(TokioIo::new(socket), service).await {
                eprintln!("{remote}: {error}");
            }
        });
    }
}
