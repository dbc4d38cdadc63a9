//! Calls, and what they may come to.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream;
use unwired::transport::RuntimeHandle;
use unwired::{Code, Request, Status, Streaming};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_sim::Random;
use unwired_suite::messages::{input, output, simple, sizes};

use crate::plan::{MOST_MESSAGES, between, some_time};

/// What the end of a call may be late after its deadline.
const LATE: Duration = Duration::from_millis(1);

/// How often calls ended how.
pub(crate) type Ends = BTreeMap<String, usize>;

/// Who makes calls, one after the other.
pub(crate) struct Caller {
    pub(crate) runtime: RuntimeHandle,
    pub(crate) client: TestServiceClient,
    pub(crate) random: Random,
    /// Tells its calls from those of others.
    pub(crate) name: u64,
    /// The most bytes of a message.
    pub(crate) longest: usize,
    /// No call takes longer, whatever happens to it.
    pub(crate) patience: Duration,
    /// What may end a call early.
    pub(crate) excuses: Excuses,
}

/// What may end a call early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excuses {
    /// Nearly anything may happen.
    pub(crate) any: bool,
    /// Connections end of age, and give calls that time to end: as the server sees it, which is not as the client does.
    pub(crate) grace: Option<Duration>,
    /// Few calls at a time are taken.
    pub(crate) few_streams: bool,
}

impl Excuses {
    /// Whether they explain that a call found no server, or lost it.
    fn explain(&self, status: &Status, took: Duration) -> bool {
        // A conversation is not begun again by itself.
        let is_refused = status.message().contains("REFUSED_STREAM");
        let is_late = status.message().contains("before it acted on the stream");
        self.any
            || (self.few_streams && is_refused)
            || self.grace.is_some_and(|grace| is_late || took >= grace / 2)
    }
}

/// What a call asks of its handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ask {
    Nothing,
    Wait,
    Fail,
    Hang,
}

/// One call.
#[derive(Clone, Debug)]
struct Plan {
    kind: usize,
    ask: Ask,
    timeout: Option<Duration>,
    /// The caller gives it up after that time.
    given_up: Option<Duration>,
    /// The caller drops it, and all that it holds, wherever it waits for the time of that number.
    dropped: Option<usize>,
    /// What each message holds: no two calls have the same.
    body: Body,
    messages: usize,
    /// Before each message is read.
    pause: Duration,
}

#[derive(Clone)]
struct Body(Vec<u8>);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Polls `future` so often, and drops it if it is not ready then.
async fn polled<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let Some(left) = polls.checked_sub(1) else { return Poll::Ready(None) };
        polls = left;
        let poll = future.as_mut().poll(cx).map(Some);
        if polls == 0 && poll.is_pending() { Poll::Ready(None) } else { poll }
    })
    .await
}

impl Caller {
    pub(crate) async fn run(mut self, calls: usize) -> Ends {
        let mut ends = Ends::new();
        for number in 0..calls {
            let pause = some_time(&mut self.random, Duration::from_millis(500));
            self.runtime.sleep(pause).await;
            let plan = self.draw(number);
            let begun = self.runtime.now();
            let call = self.runtime.timeout(self.patience, self.call(&plan));
            let end = match (plan.dropped, plan.given_up) {
                (Some(polls), _) => polled(call, polls).await.ok_or(()),
                (None, None) => Ok(call.await),
                (None, Some(after)) => self.runtime.timeout(after, call).await.map_err(drop),
            };
            let took = self.runtime.now() - begun;
            let code = match end {
                Ok(Ok(end)) => {
                    self.judge(&plan, &end, took);
                    Some(end.err().map_or(Code::Ok, |status| status.code()))
                }
                Ok(Err(_)) => panic!("a call hangs: {plan:?}"),
                Err(_) => None,
            };
            *ends.entry(code.map_or("given up".to_owned(), |code| format!("{code:?}"))).or_default() += 1;
        }
        ends
    }

    fn draw(&mut self, number: usize) -> Plan {
        let random = &mut self.random;
        let mut ask = [Ask::Nothing, Ask::Nothing, Ask::Wait, Ask::Fail, Ask::Hang][random.below(5)];
        let timeout = random.chance(0.5).then(|| some_time(random, Duration::from_secs(30)));
        if ask == Ask::Hang && timeout.is_none() {
            ask = Ask::Nothing;
        }
        let size = if random.chance(0.1) { random.below(self.longest) } else { random.below(300) };
        let mut body = vec![0; 16 + size];
        let name = [self.name.to_be_bytes(), (number as u64).to_be_bytes()].concat();
        body.iter_mut().zip(name.iter().cycle()).for_each(|(to, from)| *to = *from);
        Plan {
            kind: random.below(6),
            ask,
            timeout,
            given_up: random.chance(0.1).then(|| some_time(random, Duration::from_secs(5))),
            dropped: random.chance(0.1).then(|| random.below(12)),
            body: Body(body),
            messages: between(random, 0, MOST_MESSAGES),
            pause: if random.chance(0.2) {
                some_time(random, Duration::from_secs(1))
            } else {
                Duration::ZERO
            },
        }
    }

    fn request<T>(plan: &Plan, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(timeout) = plan.timeout {
            request.set_timeout(timeout);
        }
        let what = match plan.ask {
            Ask::Nothing => return request,
            Ask::Wait => "wait",
            Ask::Fail => "fail",
            Ask::Hang => "hang",
        };
        request.metadata_mut().insert("x-do", what).unwrap();
        request
    }

    /// Makes a call; that the answer is the right one is seen to here.
    async fn call(&self, plan: &Plan) -> Result<(), Status> {
        let (client, Body(body)) = (&self.client, &plan.body);
        match plan.kind {
            0 => {
                let answer = client.unary_call(Self::request(plan, simple(body.clone()))).await?;
                assert_eq!(&answer.into_inner().payload.unwrap().body, body, "the answer of another call");
            }
            1 => {
                let size = i32::try_from(body.len()).unwrap();
                let wanted = sizes((0..plan.messages).map(|_| size));
                let mut answers =
                    client.streaming_output_call(Self::request(plan, wanted)).await?.into_inner();
                let mut received = 0;
                while let Some(answer) = self.next(plan, &mut answers).await? {
                    assert_eq!(answer.payload.unwrap().body.len(), body.len(), "the answer of another call");
                    received += 1;
                }
                assert_eq!(received, plan.messages);
            }
            2 => {
                let requests = stream::iter(vec![input(body.clone()); plan.messages]);
                let answer = client.streaming_input_call(Self::request(plan, requests)).await?.into_inner();
                assert_eq!(answer.aggregated_payload_size as usize, body.len() * plan.messages);
            }
            3 => {
                let (mut requests, answer) =
                    client.streaming_input_call_halves(Self::request(plan, ())).await?;
                for _ in 0..plan.messages {
                    if requests.send(input(body.clone())).await.is_err() {
                        break;
                    }
                }
                requests.close();
                let answer = answer.response().await?.into_inner();
                assert_eq!(answer.aggregated_payload_size as usize, body.len() * plan.messages);
            }
            4 => {
                let requests = stream::iter(vec![output(body.clone()); plan.messages]);
                let mut answers = client.full_duplex_call(Self::request(plan, requests)).await?.into_inner();
                let mut received = 0;
                while let Some(answer) = self.next(plan, &mut answers).await? {
                    assert_eq!(&answer.payload.unwrap().body, body, "the answer of another call");
                    received += 1;
                }
                assert_eq!(received, plan.messages);
            }
            _ => {
                let (mut requests, mut answers) =
                    client.full_duplex_call_halves(Self::request(plan, ())).await?;
                for _ in 0..plan.messages {
                    if requests.send(output(body.clone())).await.is_err() {
                        break;
                    }
                    let answer = self.next(plan, &mut answers).await?.expect("an answer to each message");
                    assert_eq!(&answer.payload.unwrap().body, body, "the answer of another call");
                }
                requests.close();
                assert!(answers.message().await?.is_none(), "an answer to nothing");
            }
        }
        Ok(())
    }

    /// The next message, read when the caller comes to it.
    async fn next<T>(&self, plan: &Plan, answers: &mut Streaming<T>) -> Result<Option<T>, Status> {
        if !plan.pause.is_zero() {
            self.runtime.sleep(plan.pause).await;
        }
        answers.message().await
    }

    /// Whether anything explains that end.
    fn judge(&self, plan: &Plan, end: &Result<(), Status>, took: Duration) {
        // Who does something else in between hears of the end when they come back.
        let pauses = plan.pause * (plan.messages as u32 + 1);
        let late = plan.timeout.map(|timeout| timeout + pauses + LATE);
        assert!(
            late.is_none_or(|late| took <= late),
            "a deadline was not kept: {end:?} after {took:?}, {plan:?}"
        );
        let explained = match end {
            Ok(()) => matches!(plan.ask, Ask::Nothing | Ask::Wait),
            Err(status) => match status.code() {
                Code::NotFound => plan.ask == Ask::Fail && status.message() == "as asked",
                Code::DeadlineExceeded => plan.timeout.is_some_and(|timeout| took >= timeout),
                Code::Unavailable => self.excuses.explain(status, took),
                _ => false,
            },
        };
        assert!(explained, "nothing explains {end:?} after {took:?}: {plan:?}");
    }
}
