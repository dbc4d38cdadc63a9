//! One call of each kind, whose answers are compared with what only this call can get.

use futures_util::stream;
use unwired::{Request, Status};
use unwired_proto::hello_service::hello_service_client::HelloServiceClient;
use unwired_proto::hello_service::{HelloRequest, HelloResponse};

use super::host::{Digest, REPLIES};

/// A kind of call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Unary,
    Replies,
    Greetings,
    Bidi,
    /// Each greeting when the one before it was answered.
    PingPong,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Unary, Self::Replies, Self::Greetings, Self::Bidi, Self::PingPong];
}

/// Why a call did not go as it should.
#[derive(Debug)]
pub(super) enum Failure {
    /// It ended with this.
    Status(Status),
    /// It got what is not its own.
    Wrong(String),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// Makes a call with these greetings, which no other call has.
pub(super) async fn exchange(
    client: &HelloServiceClient,
    kind: Kind,
    mut head: Request<()>,
    greetings: Vec<String>,
) -> Result<(), Failure> {
    let request = |greeting: &String| HelloRequest { greeting: greeting.clone() };
    match kind {
        Kind::Unary => {
            let greeting = greetings.concat();
            let answer = client.say_hello(head.map(|()| request(&greeting))).await?;
            same(&answer.into_inner(), &greeting)
        }
        Kind::Replies => {
            let greeting = greetings.first().cloned().unwrap_or_default();
            head.metadata_mut().insert(REPLIES, greetings.len().to_string()).map_err(Status::from_error)?;
            let replies = client.lots_of_replies(head.map(|()| request(&greeting))).await?.into_inner();
            let expected = (0..greetings.len()).map(|n| format!("{n} {greeting}"));
            all_of(replies, expected).await
        }
        Kind::Greetings => {
            let mut digest = Digest::default();
            greetings.iter().for_each(|greeting| digest.add(greeting));
            let requests = stream::iter(greetings.iter().map(request).collect::<Vec<_>>());
            let answer = client.lots_of_greetings(head.map(|()| requests)).await?;
            same(&answer.into_inner(), &digest.told())
        }
        Kind::Bidi => {
            let requests = stream::iter(greetings.iter().map(request).collect::<Vec<_>>());
            let replies = client.bidi_hello(head.map(|()| requests)).await?.into_inner();
            all_of(replies, greetings.into_iter()).await
        }
        Kind::PingPong => {
            let (mut requests, mut replies) = client.bidi_hello_halves(head).await?;
            for greeting in &greetings {
                // When the call has ended, its answers say why.
                let _ = requests.send(request(greeting)).await;
                let reply = replies.message().await?;
                same(&reply.ok_or_else(|| Failure::Wrong("no reply".to_owned()))?, greeting)?;
            }
            requests.close();
            ended(replies.message().await?)
        }
    }
}

async fn all_of(
    mut replies: unwired::Streaming<HelloResponse>,
    expected: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    for expected in expected {
        let reply = replies.message().await?;
        same(&reply.ok_or_else(|| Failure::Wrong("too few replies".to_owned()))?, &expected)?;
    }
    ended(replies.message().await?)
}

fn ended(reply: Option<HelloResponse>) -> Result<(), Failure> {
    match reply {
        None => Ok(()),
        Some(reply) => Err(Failure::Wrong(format!("one reply too many: {}", begin(&reply.reply)))),
    }
}

fn same(got: &HelloResponse, expected: &str) -> Result<(), Failure> {
    if got.reply == expected {
        return Ok(());
    }
    Err(Failure::Wrong(format!(
        "expected {} ({} bytes), got {} ({} bytes)",
        begin(expected),
        expected.len(),
        begin(&got.reply),
        got.reply.len()
    )))
}

/// As much as tells whose it is.
fn begin(text: &str) -> String {
    text.chars().take(40).collect()
}
