use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use unwired::{Code, Stream};

use super::*;

/// Counts how often it was woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// What the stream gives now: a state, a code, nothing (`None`), or its end.
#[derive(PartialEq, Debug)]
enum Now {
    Told(WireStatus),
    Failed(Code),
    Nothing,
    End,
}

fn next(watch: &mut Watch, alarm: &Arc<Alarm>) -> Now {
    let waker = Waker::from(Arc::clone(alarm));
    match Pin::new(watch).poll_next(&mut Context::from_waker(&waker)) {
        Poll::Ready(Some(Ok(response))) => Now::Told(response.status()),
        Poll::Ready(Some(Err(status))) => Now::Failed(status.code()),
        Poll::Ready(None) => Now::End,
        Poll::Pending => Now::Nothing,
    }
}

#[test]
fn check_knows_the_server_and_what_was_set() {
    let reporter = HealthReporter::new();
    let service = reporter.service();
    let check =
        |name| service.answer_check(&request(name)).map(|response| response.status()).map_err(|s| s.code());
    assert_eq!(check(""), Ok(WireStatus::Serving));
    assert_eq!(check("p.S"), Err(Code::NotFound));
    reporter.set("p.S", ServingStatus::NotServing);
    assert_eq!(check("p.S"), Ok(WireStatus::NotServing));
    reporter.set("p.S", ServingStatus::Unknown);
    assert_eq!(check("p.S"), Ok(WireStatus::Unknown));
    reporter.remove("p.S");
    assert_eq!(check("p.S"), Err(Code::NotFound));
}

#[test]
fn watch_tells_at_once_and_then_changes() {
    let reporter = HealthReporter::new();
    let alarm = Arc::new(Alarm::default());
    let mut watch = reporter.service().answer_watch(request("p.S")).unwrap();
    assert_eq!(next(&mut watch, &alarm), Now::Told(WireStatus::ServiceUnknown));
    assert_eq!(next(&mut watch, &alarm), Now::Nothing);

    reporter.set("p.S", ServingStatus::Serving);
    assert_eq!(alarm.0.load(Ordering::Relaxed), 1);
    assert_eq!(next(&mut watch, &alarm), Now::Told(WireStatus::Serving));
    assert_eq!(next(&mut watch, &alarm), Now::Nothing);

    // What is no change is not told, and what is said of another service is no change.
    reporter.set("p.S", ServingStatus::Serving);
    reporter.set("p.T", ServingStatus::NotServing);
    assert_eq!(alarm.0.load(Ordering::Relaxed), 1);

    reporter.remove("p.S");
    assert_eq!(next(&mut watch, &alarm), Now::Told(WireStatus::ServiceUnknown));
}

#[test]
fn what_changes_and_changes_back_is_not_told() {
    let reporter = HealthReporter::new();
    let alarm = Arc::new(Alarm::default());
    let mut watch = reporter.service().answer_watch(request("")).unwrap();
    assert_eq!(next(&mut watch, &alarm), Now::Told(WireStatus::Serving));
    reporter.set("", ServingStatus::NotServing);
    reporter.set("", ServingStatus::Serving);
    assert_eq!(next(&mut watch, &alarm), Now::Nothing);
}

#[test]
fn a_shutdown_is_told_and_ends_each_watch() {
    let reporter = HealthReporter::new();
    let alarm = Arc::new(Alarm::default());
    let mut known = reporter.service().answer_watch(request("")).unwrap();
    let mut unknown = reporter.service().answer_watch(request("p.S")).unwrap();
    for watch in [&mut known, &mut unknown] {
        assert!(matches!(next(watch, &alarm), Now::Told(_)));
        assert_eq!(next(watch, &alarm), Now::Nothing);
    }
    reporter.shut_down();
    reporter.set("", ServingStatus::Serving);
    assert_eq!(alarm.0.load(Ordering::Relaxed), 2);
    assert_eq!(next(&mut known, &alarm), Now::Told(WireStatus::NotServing));
    for watch in [&mut known, &mut unknown] {
        assert_eq!(next(watch, &alarm), Now::Failed(Code::Unavailable));
        assert_eq!(next(watch, &alarm), Now::End);
    }
}

#[test]
fn a_watch_that_is_dropped_leaves_nothing() {
    let reporter = HealthReporter::new();
    let alarm = Arc::new(Alarm::default());
    let mut watches: Vec<Watch> =
        (0..3).map(|_| reporter.service().answer_watch(request("p.S")).unwrap()).collect();
    for watch in &mut watches {
        next(watch, &alarm);
        next(watch, &alarm);
        next(watch, &alarm);
    }
    assert_eq!(reporter.board.waiting(), 3);
    drop(watches);
    assert_eq!(reporter.board.waiting(), 0);
}

#[test]
fn names_are_not_endless() {
    let status = HealthReporter::new().service().answer_watch(request(&"x".repeat(1025))).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[test]
fn at_most_a_hundred_services_are_listed() {
    let reporter = HealthReporter::new();
    for number in 1..100 {
        reporter.set(format!("p.S{number}"), ServingStatus::NotServing);
    }
    let list = reporter.service().answer_list().unwrap().statuses;
    assert_eq!(list.len(), 100);
    assert_eq!((list[""].status(), list["p.S7"].status()), (WireStatus::Serving, WireStatus::NotServing));
    reporter.set("p.S100", ServingStatus::Serving);
    assert_eq!(reporter.service().answer_list().unwrap_err().code(), Code::ResourceExhausted);
}
