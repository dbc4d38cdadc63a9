//! Interceptors on both sides: a server that greets whoever has a token, and writes down how long each call took.

use std::sync::Arc;

use unwired::intercept::{Intercepted, Interceptor, Messages, Next, on_request};
use unwired::server::Builder;
use unwired::{Channel, Request, Response, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

/// Tokens, and whose they are.
const TOKENS: [(&str, &str); 2] = [("Bearer open-sesame", "Ali Baba"), ("Bearer speak-friend", "Gandalf")];

/// Who calls: an interceptor has found that out, and tells the handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub &'static str);

/// Lets nobody pass who has no token.
fn check(request: &mut Request<Messages>) -> Result<(), Status> {
    let token = request.metadata().get("authorization");
    let owner = TOKENS.iter().find(|(known, _)| Some(*known) == token);
    let (_, name) = owner.ok_or_else(|| Status::unauthenticated("there is no such token"))?;
    request.extensions_mut().insert(Caller(name));
    Ok(())
}

/// Tells of each call, once it is over.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(String) + Send + Sync>);

impl Log {
    /// Tells `write`.
    pub fn to(write: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }
}

impl Interceptor for Log {
    async fn intercept(
        &self,
        request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        let (path, runtime) = (next.call().path().to_owned(), next.call().runtime().clone());
        let (begun, Self(write)) = (runtime.now(), self.clone());
        let over = move |status: Status| {
            write(format!("{path}: {:?} after {:?}", status.code(), runtime.now() - begun));
            status
        };
        match next.run(request).await {
            // The call is over with the last of its messages.
            Ok(response) => Ok(response.map(|messages| messages.map_end(over))),
            Err(status) => Err(over(status)),
        }
    }
}

/// Greets by the name that is in the request, for whoever calls.
struct Doorkeeper;

impl Greeter for Doorkeeper {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let caller = request.extensions().get::<Caller>();
        let Caller(owner) = caller.ok_or_else(|| Status::internal("nobody has checked the token"))?;
        let message = format!("Hello, {}! {owner} may enter.", request.get_ref().name);
        Ok(Response::new(HelloReply { message }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

/// Adds the greeter behind the check of its token, and all services of the server behind the log.
pub fn guarded(server: Builder, log: Log) -> Builder {
    let greeter =
        Intercepted::new(GreeterServer::new(Doorkeeper)).by(on_request(|request, _| check(request)));
    server.add_service(greeter).intercepted_by(log)
}

/// Asks for a greeting without a token, and then with one; gives what came of it.
///
/// # Errors
/// The status of the call with the token.
pub async fn knock(channel: Channel, name: &str) -> Result<(Status, String), Status> {
    let request = HelloRequest { name: name.to_owned() };
    let without = GreeterClient::new(channel.clone()).say_hello(request.clone()).await;
    let refused = without.err().unwrap_or_default();
    let channel = channel.intercepted_by(on_request(|request, _| {
        Ok(request.metadata_mut().insert_secret("authorization", "Bearer speak-friend")?)
    }));
    let reply = GreeterClient::new(channel).say_hello(request).await?;
    Ok((refused, reply.into_inner().message))
}
