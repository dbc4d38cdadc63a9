//! The greeter beside HTTP routes of axum, on one port: `cargo run -p unwired-tokio --example mount_axum`, then
//! `curl localhost:50051/healthz` and `cargo run -p unwired-tokio --example greeter_client`.

use std::error::Error;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use unwired::Server;
use unwired::mount::Mount;
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_tokio::Tokio;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("[::]:50051").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app()).await?;
    Ok(())
}

/// Routes of both kinds: a service has the paths that begin with its name.
pub(crate) fn app() -> Router {
    let server = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
    let mount = Mount::new(server, Tokio::handle());
    let mut app = Router::new().route("/healthz", get(async || "ok\n"));
    for service in mount.service_names() {
        app = app.route_service(&format!("/{service}/{{method}}"), mount.clone());
    }
    app
}
