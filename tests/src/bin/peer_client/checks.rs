//! What is asked of the peer, and what it has to answer.

use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::{TryStreamExt, future, stream};
use tokio::sync::mpsc;
use unwired::{Channel, Code, Encoding, Metadata, Request, Status, Stream};
use unwired_services::error_details::bad_request::FieldViolation;
use unwired_services::error_details::{BadRequest, StatusExt};
use unwired_tests::peer::absent_client::AbsentClient;
use unwired_tests::peer::peer_client::PeerClient;
use unwired_tests::peer::{Answer, Ask, Outcome as Ending, Seen, WitnessRequest};

use crate::check::{Outcome, check, equal, fails_with, that};

const MIB: usize = 1 << 20;

fn ask(payload: impl Into<Vec<u8>>) -> Ask {
    Ask { payload: payload.into(), ..Ask::default() }
}

/// An ask to end with this status.
fn ask_to_end(code: Code, message: &str) -> Ask {
    Ask {
        outcome: Some(Ending { code: code.into(), message: message.to_owned(), ..Ending::default() }),
        ..Ask::default()
    }
}

/// A stream of asks that is fed while the call runs, and ends when the sender is dropped.
fn fed() -> (mpsc::UnboundedSender<Ask>, impl Stream<Item = Ask> + Send + 'static) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))))
}

/// What each kind of call is for.
pub(crate) async fn four_kinds(client: &PeerClient) {
    for size in [0, 1, 1000, 70_000, MIB] {
        check(&format!("unary, {size} bytes both ways"), async {
            let payload: Vec<u8> = (0..=255).cycle().take(size).collect();
            let answer = client.unary(ask(payload.clone())).await?.into_inner();
            equal(answer.payload, payload)
        })
        .await;
    }
    check("server streaming, 100 answers", async {
        let request = Ask { answers: 100, ..ask(*b"again") };
        let answers: Vec<Answer> = client.download(request).await?.into_inner().try_collect().await?;
        equal(answers.len(), 100)?;
        that(answers.iter().all(|answer| answer.payload == b"again"), || "another payload".to_owned())
    })
    .await;
    check("server streaming, no answer", async {
        equal(client.download(Ask::default()).await?.into_inner().try_collect::<Vec<_>>().await?, vec![])
    })
    .await;
    check("server streaming, 64 MiB in answers of 1 MiB", async {
        let request = Ask { answers: 64, answer_size: MIB as u32, ..Ask::default() };
        let mut answers = client.download(request).await?.into_inner();
        let mut received = 0;
        while let Some(answer) = answers.message().await? {
            received += answer.payload.len();
        }
        equal(received, 64 * MIB)
    })
    .await;
    check("client streaming, 100 asks", async {
        let answer = client.upload(stream::iter((0..100).map(|n| ask([n])))).await?.into_inner();
        equal((answer.asks, answer.payload), (100, (0..100).collect()))
    })
    .await;
    check("client streaming, no ask", async {
        let answer = client.upload(stream::empty()).await?.into_inner();
        equal((answer.asks, answer.payload), (0, vec![]))
    })
    .await;
    check("bidirectional, each ask after the answer before", async {
        let (sender, asks) = fed();
        let mut answers = client.chat(asks).await?.into_inner();
        for n in 1..=20 {
            sender.send(ask([n]))?;
            let answer = answers.message().await?.ok_or("the answers ended")?;
            equal((answer.asks, answer.payload), (n.into(), vec![n]))?;
        }
        drop(sender);
        equal(answers.message().await?, None)
    })
    .await;
    check("bidirectional, in two halves", async {
        let (mut asks, mut answers) = client.chat_halves(Request::new(())).await?;
        for n in 1..=20 {
            asks.send(ask([n])).await?;
            equal(answers.message().await?.map(|answer| answer.payload), Some(vec![n]))?;
        }
        asks.close();
        equal(answers.message().await?, None)
    })
    .await;
    check("bidirectional, all asks at once", async {
        let answers = client.chat(stream::iter((0..200).map(|n| ask([n])))).await?.into_inner();
        let payloads: Vec<Vec<u8>> = answers.map_ok(|answer| answer.payload).try_collect().await?;
        equal(payloads, (0..200).map(|n| vec![n]).collect())
    })
    .await;
    check("1,000 unary calls at once", async {
        let calls = (0..1000_u32).map(|n| client.unary(ask(n.to_be_bytes())));
        for (n, answer) in (0..1000_u32).zip(future::try_join_all(calls).await?) {
            equal(answer.into_inner().payload, n.to_be_bytes().to_vec())?;
        }
        Ok(())
    })
    .await;
}

/// A request with two entries of each sort of metadata.
fn with_metadata(ask: Ask) -> Result<Request<Ask>, Box<dyn Error>> {
    let mut request = Request::new(ask);
    let metadata = request.metadata_mut();
    for place in ["initial", "trailing"] {
        metadata.append(format!("{place}-text"), "one")?;
        metadata.append(format!("{place}-text"), "two, and a comma")?;
        metadata.append_bin(format!("{place}-data-bin"), every_byte())?;
        metadata.append_bin(format!("{place}-data-bin"), [0])?;
    }
    Ok(request)
}

fn every_byte() -> Vec<u8> {
    (0..=255).collect()
}

/// Fails unless `metadata` holds what `with_metadata` asked for in this place.
fn came_back(metadata: &Metadata, place: &str) -> Outcome {
    let texts: Vec<&str> = metadata.get_all(&format!("{place}-text")).collect();
    equal(texts, vec!["one", "two, and a comma"])?;
    let bytes: Vec<_> = metadata.get_all_bin(&format!("{place}-data-bin")).collect();
    equal(bytes, vec![Some(every_byte()), Some(vec![0])])
}

/// Both kinds of metadata, text and bytes, and when they come.
pub(crate) async fn metadata(client: &PeerClient) {
    check("metadata of a unary call", async {
        let response = client.unary(with_metadata(Ask::default())?).await?;
        came_back(response.metadata(), "initial")?;
        came_back(response.trailers(), "trailing")
    })
    .await;
    check("metadata of a stream", async {
        let request = with_metadata(Ask { answers: 2, ..Ask::default() })?;
        let mut answers = client.download(request).await?.into_inner();
        came_back(&answers.metadata().await, "initial")?;
        came_back(&answers.trailers().await?, "trailing")
    })
    .await;
    check("initial metadata seen before the first ask", async {
        let (sender, asks) = fed();
        let request = with_metadata(Ask::default())?.map(|_| asks);
        let answers = client.chat(request).await?.into_inner();
        came_back(&answers.metadata().await, "initial")?;
        drop(sender);
        equal(answers.try_collect::<Vec<_>>().await?, vec![])
    })
    .await;
    check("trailing metadata beside an error", async {
        let request = with_metadata(ask_to_end(Code::NotFound, "nowhere"))?;
        came_back(fails_with(Code::NotFound, client.unary(request).await)?.metadata(), "trailing")
    })
    .await;
    check("initial metadata seen before the answer", async {
        let begun = Instant::now();
        let request = with_metadata(Ask { answers: 1, delay_ms: 1000, ..Ask::default() })?;
        let answers = client.download(request).await?.into_inner();
        came_back(&answers.metadata().await, "initial")?;
        that(begun.elapsed() < Duration::from_millis(800), || "it waited for the answer".to_owned())?;
        equal(answers.try_collect::<Vec<_>>().await?.len(), 1)?;
        that(begun.elapsed() >= Duration::from_secs(1), || "the answer did not wait".to_owned())
    })
    .await;
}

/// Codes, messages and details.
pub(crate) async fn statuses(channel: &Channel, client: &PeerClient) {
    check("all 16 error codes, with a message that is not ASCII", async {
        let message = "naïve 100% \u{2013} two\nlines \u{1f980}";
        for code in (1..=16).map(Code::from_i32) {
            let status = fails_with(code, client.unary(ask_to_end(code, message)).await)?;
            equal(status.message(), message)?;
        }
        Ok(())
    })
    .await;
    check("an error after three answers", async {
        let request = Ask { answers: 3, ..ask_to_end(Code::Aborted, "enough") };
        let mut answers = client.download(request).await?.into_inner();
        for _ in 0..3 {
            that(answers.message().await?.is_some(), || "too few answers".to_owned())?;
        }
        equal(fails_with(Code::Aborted, answers.message().await)?.message(), "enough")
    })
    .await;
    check("an error in the middle of a stream of asks", async {
        let (sender, asks) = fed();
        sender.send(ask(*b"first"))?;
        sender.send(ask_to_end(Code::FailedPrecondition, "no more"))?;
        fails_with(Code::FailedPrecondition, client.upload(asks).await)?;
        Ok(())
    })
    .await;
    check("rich status", async {
        let violation = FieldViolation {
            field: "payload".into(),
            description: "too dull".into(),
            ..FieldViolation::default()
        };
        let detail = BadRequest { field_violations: vec![violation] };
        let rich = Status::rich(Code::InvalidArgument, "look closer", [detail.clone()]);
        let mut request = ask_to_end(Code::InvalidArgument, rich.message());
        request.outcome.get_or_insert_default().details = rich.details().to_vec();
        let status = fails_with(Code::InvalidArgument, client.unary(request).await)?;
        equal(status.message(), "look closer")?;
        equal(status.detail::<BadRequest>(), Some(detail))
    })
    .await;
    check("a service that does not exist", async {
        fails_with(Code::Unimplemented, AbsentClient::new(channel.clone()).call(Ask::default()).await)?;
        Ok(())
    })
    .await;
}

async fn seen(client: &PeerClient) -> Result<Seen, Box<dyn Error>> {
    Ok(client.witness(WitnessRequest {}).await?.into_inner())
}

/// Waits until the peer has seen one more call cut short than `before`.
async fn one_more_is_cut_short(client: &PeerClient, before: &Seen) -> Outcome {
    while seen(client).await?.cut_short <= before.cut_short {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Deadlines and cancellation: the caller gives up, and the server is told.
pub(crate) async fn early_ends(client: &PeerClient) {
    check("the server knows what is left of the deadline", async {
        let mut request = Request::new(Ask::default());
        request.set_timeout(Duration::from_secs(5));
        let left = client.unary(request).await?.into_inner().time_left_ms;
        that((3000..=5100).contains(&left), || format!("{left} ms of 5 s"))?;
        equal(client.unary(Ask::default()).await?.into_inner().time_left_ms, 0)
    })
    .await;
    check("a deadline passes in a unary call", async {
        let (before, begun) = (seen(client).await?, Instant::now());
        let mut request = Request::new(Ask { delay_ms: 20_000, ..Ask::default() });
        request.set_timeout(Duration::from_millis(300));
        fails_with(Code::DeadlineExceeded, client.unary(request).await)?;
        let passed = begun.elapsed();
        that((290..2000).contains(&passed.as_millis()), || format!("after {passed:?}"))?;
        one_more_is_cut_short(client, &before).await
    })
    .await;
    check("a deadline passes between answers", async {
        let before = seen(client).await?;
        let mut request = Request::new(Ask { answers: 1000, delay_ms: 50, ..Ask::default() });
        request.set_timeout(Duration::from_millis(400));
        let mut answers = client.download(request).await?.into_inner();
        let mut received = 0;
        let end = loop {
            match answers.message().await {
                Ok(Some(_)) => received += 1,
                end => break end,
            }
        };
        fails_with(Code::DeadlineExceeded, end)?;
        that((1..=8).contains(&received), || format!("{received} answers came first"))?;
        one_more_is_cut_short(client, &before).await
    })
    .await;
    check("the caller cancels a unary call", async {
        let before = seen(client).await?;
        let call = client.unary(Ask { delay_ms: 20_000, ..Ask::default() });
        let begins = async {
            while seen(client).await?.begun == before.begun {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Outcome::Ok(())
        };
        tokio::select! {
            answer = call => return Err(format!("an early answer: {answer:?}").into()),
            begun = begins => begun?,
        }
        one_more_is_cut_short(client, &before).await
    })
    .await;
    check("the caller cancels a download", async {
        let before = seen(client).await?;
        let request = Ask { answers: 1_000_000, answer_size: 1000, ..Ask::default() };
        let mut answers = client.download(request).await?.into_inner();
        that(answers.message().await?.is_some(), || "no answer".to_owned())?;
        drop(answers);
        one_more_is_cut_short(client, &before).await
    })
    .await;
    check("the caller cancels a conversation", async {
        let before = seen(client).await?;
        let (sender, asks) = fed();
        let mut answers = client.chat(asks).await?.into_inner();
        sender.send(Ask::default())?;
        that(answers.message().await?.is_some(), || "no answer".to_owned())?;
        drop(answers);
        one_more_is_cut_short(client, &before).await
    })
    .await;
    check("the server cancels a conversation", async {
        let before = seen(client).await?;
        let (sender, asks) = fed();
        let mut answers = client.chat(asks).await?.into_inner();
        sender.send(ask_to_end(Code::Cancelled, "stop"))?;
        that(answers.message().await?.is_some(), || "no answer".to_owned())?;
        equal(fails_with(Code::Cancelled, answers.message().await)?.message(), "stop")?;
        equal(seen(client).await?.cut_short, before.cut_short)
    })
    .await;
}

/// gzip both ways, weighed by a server that counts the bytes of its connections.
pub(crate) async fn compression(client: &PeerClient) {
    let compressing = client.clone().send_compressed(Encoding::Gzip);
    let asking_for_gzip = |ask: Ask| {
        let mut request = Request::new(ask);
        request.metadata_mut().insert("answer-encoding", "gzip").map(|()| request)
    };
    check("neither way compressed", async {
        let before = seen(client).await?;
        equal(client.unary(ask(vec![0; MIB])).await?.into_inner().payload, vec![0; MIB])?;
        let (sent, received) = weighed(&before, &seen(client).await?);
        that(sent > MIB && received > MIB, || format!("{sent} bytes sent, {received} received"))
    })
    .await;
    check("gzip to the server", async {
        let before = seen(client).await?;
        equal(compressing.unary(ask(vec![0; MIB])).await?.into_inner().payload, vec![0; MIB])?;
        let (sent, received) = weighed(&before, &seen(client).await?);
        that(sent < MIB / 8 && received > MIB, || format!("{sent} bytes sent, {received} received"))
    })
    .await;
    check("gzip from the server", async {
        let before = seen(client).await?;
        let request = asking_for_gzip(Ask { answer_size: MIB as u32, ..Ask::default() })?;
        equal(client.unary(request).await?.into_inner().payload, vec![0; MIB])?;
        let (_, received) = weighed(&before, &seen(client).await?);
        that(received < MIB / 8, || format!("{received} bytes received"))
    })
    .await;
    check("gzip both ways, in streams", async {
        let before = seen(client).await?;
        let request = asking_for_gzip(Ask::default())?.map(|_| stream::iter(vec![ask(vec![0; MIB]); 4]));
        let answers: Vec<Answer> = compressing.chat(request).await?.into_inner().try_collect().await?;
        equal(answers.iter().map(|answer| answer.payload.len()).collect::<Vec<_>>(), vec![MIB; 4])?;
        let (sent, received) = weighed(&before, &seen(client).await?);
        that(sent < MIB / 2 && received < MIB / 2, || format!("{sent} bytes sent, {received} received"))
    })
    .await;
    check("a small answer that inflates beyond the limit", async {
        let request = asking_for_gzip(Ask { answer_size: 64 * MIB as u32, ..Ask::default() })?;
        fails_with(Code::ResourceExhausted, client.unary(request).await)?;
        Ok(())
    })
    .await;
}

/// Bytes to and from the server since `before`.
fn weighed(before: &Seen, after: &Seen) -> (usize, usize) {
    let difference = |after: u64, before: u64| usize::try_from(after - before).unwrap_or(usize::MAX);
    (difference(after.bytes_in, before.bytes_in), difference(after.bytes_out, before.bytes_out))
}

/// Nobody takes more than 4 MiB who did not say so.
pub(crate) async fn limits(client: &PeerClient) {
    let size = |bytes: usize| Ask { answer_size: bytes as u32, ..Ask::default() };
    check("an ask just under 4 MiB", async {
        let request = Ask { answer_size: 1, ..ask(vec![0; 4 * MIB - 16]) };
        equal(client.unary(request).await?.into_inner().payload, vec![0])
    })
    .await;
    check("an ask over 4 MiB is refused by the server", async {
        fails_with(Code::ResourceExhausted, client.unary(ask(vec![0; 4 * MIB + 1])).await)?;
        Ok(())
    })
    .await;
    check("an answer just under 4 MiB", async {
        equal(client.unary(size(4 * MIB - 32)).await?.into_inner().payload.len(), 4 * MIB - 32)
    })
    .await;
    check("an answer over 4 MiB is refused by the client", async {
        fails_with(Code::ResourceExhausted, client.unary(size(4 * MIB + 1)).await)?;
        Ok(())
    })
    .await;
    check("a client may take more", async {
        let client = client.clone().max_decoding_message_size(16 * MIB);
        equal(client.unary(size(10 * MIB)).await?.into_inner().payload.len(), 10 * MIB)
    })
    .await;
    check("a client may send less", async {
        let client = client.clone().max_encoding_message_size(MIB);
        fails_with(Code::ResourceExhausted, client.unary(ask(vec![0; MIB + 1])).await)?;
        Ok(())
    })
    .await;
    check("the connection goes on after that", async {
        equal(client.unary(ask(*b"still here")).await?.into_inner().payload, b"still here".to_vec())
    })
    .await;
    check("no connection was lost, and made again unnoticed", async {
        equal(seen(client).await?.connections, 1)
    })
    .await;
}
