//! What a client of gRPC makes of servers that use HTTP/2 in unusual ways.

use core::time::Duration;

use futures_util::future::try_join_all;

use super::messages::large;
use super::unary::one_large;
use super::{Caller, Failure, Outcome};

/// What a client needs to hear of the connection's end before its next call.
const PAUSE: Duration = Duration::from_secs(1);
/// Calls at a time where the server takes one.
const CONCURRENT: usize = 10;

/// The call after a GOAWAY goes over another connection.
pub(super) async fn goaway(caller: &Caller) -> Outcome {
    let client = caller.client();
    one_large(&client).await?;
    caller.runtime.sleep(PAUSE).await;
    one_large(&client).await
}

/// A call without status fails: one that has its headers,
pub(super) async fn rst_after_header(caller: &Caller) -> Outcome {
    fails(caller).await
}

/// one that has half of its message,
pub(super) async fn rst_during_data(caller: &Caller) -> Outcome {
    fails(caller).await
}

/// and one that has all of it.
pub(super) async fn rst_after_data(caller: &Caller) -> Outcome {
    fails(caller).await
}

async fn fails(caller: &Caller) -> Outcome {
    match caller.client().unary_call(large()).await {
        Err(_) => Ok(()),
        Ok(_) => Err(Failure("a call that the server has reset succeeded".to_owned())),
    }
}

/// PINGs do not disturb a call; the server sees that they are answered.
pub(super) async fn ping(caller: &Caller) -> Outcome {
    one_large(&caller.client()).await
}

/// Calls over the server's limit wait for their turn.
pub(super) async fn max_streams(caller: &Caller) -> Outcome {
    let client = caller.client();
    one_large(&client).await?;
    try_join_all((0..CONCURRENT).map(|_| one_large(&client))).await?;
    Ok(())
}

/// Padding gives its credit back: fifty times as much of it as of the message.
pub(super) async fn data_frame_padding(caller: &Caller) -> Outcome {
    one_large(&caller.client()).await
}

/// The same frames without padding.
pub(super) async fn no_df_padding_sanity_test(caller: &Caller) -> Outcome {
    one_large(&caller.client()).await
}
