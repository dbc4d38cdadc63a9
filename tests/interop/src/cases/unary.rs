use futures_util::future::try_join_all;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::{Empty, SimpleRequest};

use super::checks::{equal, that};
use super::messages::{LARGE_RESPONSE, large, simple, size_of};
use super::{Caller, Outcome};

/// Calls at a time.
const CONCURRENT: usize = 1000;
/// Calls that one server shall answer all.
const PICKS: usize = 100;

/// A message of no bytes, both ways.
pub(super) async fn empty_unary(caller: &Caller) -> Outcome {
    let response = caller.client().empty_call(Empty {}).await?.into_inner();
    equal("the response", response, Empty {})
}

/// A message of several frames, both ways.
pub(super) async fn large_unary(caller: &Caller) -> Outcome {
    one_large(&caller.client()).await
}

/// A large call has to succeed.
pub(super) async fn one_large(client: &TestServiceClient) -> Outcome {
    let response = client.unary_call(large()).await?.into_inner();
    equal("the response's payload", size_of(response.payload.as_ref()), LARGE_RESPONSE)
}

/// A thousand of them at a time on one channel.
pub(super) async fn concurrent_large_unary(caller: &Caller) -> Outcome {
    let client = caller.client();
    try_join_all((0..CONCURRENT).map(|_| one_large(&client))).await?;
    Ok(())
}

/// All calls go to the server that was picked first.
pub(super) async fn pick_first_unary(caller: &Caller) -> Outcome {
    let client = caller.client();
    let mut first = None;
    for _ in 0..PICKS {
        let request = SimpleRequest { fill_server_id: true, ..simple(1, 1) };
        let id = client.unary_call(request).await?.into_inner().server_id;
        that(!id.is_empty(), || "the response has no server_id".to_owned())?;
        equal("the id of the server", &id, first.get_or_insert_with(|| id.clone()))?;
    }
    Ok(())
}
