//! Interceptors, which look at each call before it goes on. `token_server` has one that also sees how calls end.

use unwired::intercept::on_request;
use unwired::{Code, Server, Status};
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;

pub(crate) async fn run() -> super::Outcome {
    let guarded = Server::builder().add_service(GreeterServer::new(PoliteGreeter)).intercepted_by(
        on_request(|request, _| match request.metadata().get("authorization") {
            Some("Bearer open-sesame") => Ok(()),
            _ => Err(Status::unauthenticated("who are you? send `authorization: Bearer TOKEN`")),
        }),
    );
    let channel = super::start(guarded).await?;
    let refused = GreeterClient::new(channel.clone()).say_hello(super::hello("thief")).await;
    assert_eq!(refused.err().map(|status| status.code()), Some(Code::Unauthenticated));

    // The same channel, with something ahead of each call.
    let channel = channel.intercepted_by(on_request(|request, _| {
        Ok(request.metadata_mut().insert_secret("authorization", "Bearer open-sesame")?)
    }));
    let reply = GreeterClient::new(channel).say_hello(super::hello("Ali Baba")).await?;
    println!("{}", reply.into_inner().message);
    Ok(())
}
