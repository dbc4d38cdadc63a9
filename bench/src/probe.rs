//! Whether a server answers as it should: a load generator only sees that it answers.

use std::error::Error;
use std::net::SocketAddr;

use unwired_proto::helloworld::HelloRequest;

use crate::stubs::tonic::helloworld::greeter_client::GreeterClient;

/// Calls the greeter once.
pub(crate) fn greeter(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut client = GreeterClient::connect(format!("http://{addr}")).await?;
        let reply = client.say_hello(HelloRequest { name: "you".into() }).await?.into_inner();
        if reply.message == "Hello, you!" {
            Ok(())
        } else {
            Err(format!("it says {:?}", reply.message).into())
        }
    })
}
