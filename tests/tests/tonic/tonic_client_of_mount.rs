//! tonic calls our services where they are mounted in hyper.

use tonic::Code;
use tonic::transport::Channel;

use crate::stubs::test_service_client::TestServiceClient;
use crate::stubs::*;
use crate::{MESSAGE_LIMIT, noise, our_server as server};

#[path = "either_client.rs"]
#[allow(clippy::duplicate_mod, reason = "the same with either client")]
mod either;

async fn rig() -> (TestServiceClient<Channel>, server::Running) {
    let server = server::start_mounted().await;
    let client = TestServiceClient::connect(server.url.clone()).await.unwrap();
    (client.max_decoding_message_size(MESSAGE_LIMIT), server)
}

fn payload(length: usize) -> Option<Payload> {
    Some(Payload { body: noise(length), ..Payload::default() })
}
