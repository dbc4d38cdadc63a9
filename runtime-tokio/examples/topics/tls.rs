//! TLS, with the feature `tls`: certificates and keys are PEM, as files have them.

use unwired::Server;
use unwired::tls::{ClientTls, ServerTls};
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;

pub(crate) async fn run() -> super::Outcome {
    // A program has them in files: `ServerTls::from_pem(fs::read("server.pem")?, fs::read("server.key")?)`.
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let tls = ServerTls::from_pem(cert.pem(), signing_key.serialize_pem())?;
    let server = Server::builder().tls(tls).add_service(GreeterServer::new(PoliteGreeter));
    let bound = unwired_tokio::bind(super::LOOPBACK).await?;
    let port = bound.local_addr()?.port();
    tokio::spawn(bound.serve(server));

    // `https://` alone trusts whom the system trusts, who do not know this server.
    let target = format!("https://localhost:{port}");
    let strangers = unwired_tokio::connect(&target).await;
    println!("{}", strangers.err().ok_or("a stranger was trusted")?);

    let tls = ClientTls::with_roots(cert.pem())?;
    let channel = unwired_tokio::channel(&target)?.tls(tls).connect().await?;
    let reply = GreeterClient::new(channel).say_hello(super::hello("TLS")).await?;
    println!("{}", reply.into_inner().message);
    Ok(())
}
