//! The feed: a request for each line, one after the other.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use unwired::{Code, Request, Status};
use unwired_proto::feed::{Delivery, Receipt};

use super::{End, Intake, Line, Tally};
use crate::route_guide::Feature;

/// The longest report about a line, in characters.
const LONGEST_REPORT: usize = 300;

/// How long one attempt may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long a request without an answer is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The pause before the second attempt. Each one after it is twice as long.
    pub first_pause: Duration,
    /// How many attempts there are before the server counts as unreachable, the first one included.
    pub attempts: u32,
}

impl Default for Patience {
    /// A good six seconds: time enough for a server to be started anew.
    fn default() -> Self {
        Self { first_pause: Duration::from_millis(100), attempts: 7 }
    }
}

/// Sends the feature of each line, and waits for the receipt before the next. `report` gets a line of text about each.
///
/// A line that is no feature, and a feature that the server refuses, are reported, and the feed goes on. When no answer comes, the
/// same request is sent again after a pause: it carries an id by which the server recognises what it has already. When none comes
/// still, the feed ends, for nobody would hear the rest. At a [stop](Intake::stop) it ends with the request that is under way.
pub fn feed(
    intake: &Intake,
    patience: Patience,
    mut send: impl FnMut(Request<Delivery>) -> Result<Receipt, Status>,
    mut report: impl FnMut(&str),
) -> Tally {
    // No other feed has the same ids.
    let feed = RandomState::new().hash_one(0);
    let mut tally = Tally::default();
    loop {
        let line = match intake.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => {
                tally.end = if intake.is_stopped() { End::Stopped } else { End::Complete };
                return tally;
            }
            Err(error) => {
                tally.end = End::Unreadable(error.to_string());
                return tally;
            }
        };
        let mut report = |what: &str| {
            let what = one_line(what);
            match intake.percent(&line) {
                Some(percent) => report(&format!("[{percent:3}%] line {}: {what}", line.number)),
                None => report(&format!("line {}: {what}", line.number)),
            }
        };
        let feature = match read(&line) {
            Ok(Some(feature)) => feature,
            Ok(None) => continue,
            Err(why) => {
                tally.broken += 1;
                report(&format!("broken: {why}"));
                continue;
            }
        };
        let id = format!("{feed:016x}-{}", line.number);
        let delivery = Delivery { id, feature: Some((&feature).into()) };
        let send = || {
            let mut request = Request::new(delivery.clone());
            request.set_timeout(DEADLINE);
            send(request)
        };
        match persist(intake, patience, send, &mut report) {
            Ok(Receipt { received, repeated }) => {
                tally.received += 1;
                let already = if repeated { " already" } else { "" };
                report(&format!("received{already}, {received} in all: {}", describe(&feature)));
            }
            Err(Failure::Refused(status)) => {
                tally.refused += 1;
                report(&format!("refused: {status}"));
            }
            Err(Failure::Stopped) => {
                tally.end = End::Stopped;
                return tally;
            }
            Err(Failure::Unanswered(status)) => {
                tally.end = End::Unanswered { line: line.number, status };
                return tally;
            }
        }
    }
}

/// Why a request has no receipt.
enum Failure {
    /// The server does not want it.
    Refused(Status),
    /// There was no answer in all attempts.
    Unanswered(Status),
    /// There was no answer, and the feed is to end.
    Stopped,
}

/// Sends until there is an answer, but not forever.
fn persist(
    intake: &Intake,
    patience: Patience,
    mut send: impl FnMut() -> Result<Receipt, Status>,
    mut report: impl FnMut(&str),
) -> Result<Receipt, Failure> {
    let mut pause = patience.first_pause;
    for attempt in 1.. {
        let status = match send() {
            Ok(receipt) => return Ok(receipt),
            Err(status) if is_no_answer(&status) => status,
            Err(status) => return Err(Failure::Refused(status)),
        };
        if attempt >= patience.attempts {
            return Err(Failure::Unanswered(status));
        }
        report(&format!("no answer ({status}), trying again in {pause:?}"));
        if intake.pause(pause) {
            break;
        }
        pause = pause.saturating_mul(2);
    }
    Err(Failure::Stopped)
}

/// Whether the server may have the request or not: no word of its own came.
fn is_no_answer(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded)
}

/// The feature of a line; a blank line has none.
fn read(line: &Line) -> Result<Option<Feature>, String> {
    let text = line.text.as_ref().map_err(String::clone)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    Feature::parse(text).map(Some).map_err(|error| {
        // Each line is a text of its own: that it broke in its line 1 tells nothing.
        let error = error.to_string();
        error.replace(" at line 1 column ", " at column ")
    })
}

fn describe(feature: &Feature) -> String {
    if feature.name.is_empty() { feature.location.to_string() } else { feature.name.clone() }
}

/// What names, broken lines and servers say, without what would play tricks with a terminal.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars().take(LONGEST_REPORT) {
        if character.is_control() {
            line.extend(character.escape_debug());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const HERE: &str = r#"{"location": {"latitude": 1, "longitude": 2}, "name": "here"}"#;
    const UNNAMED: &str = r#"{"location": {"latitude": 3, "longitude": 4}}"#;

    const PATIENCE: Patience = Patience { first_pause: Duration::from_millis(1), attempts: 3 };

    fn intake(lines: &[&str]) -> Intake {
        Intake::read(Cursor::new(lines.join("\n")), None)
    }

    fn receipt(received: u64) -> Result<Receipt, Status> {
        Ok(Receipt { received, repeated: false })
    }

    /// What the feed did, said and sent over a server that answers as told.
    fn fed(
        intake: &Intake,
        mut answer: impl FnMut(u64) -> Result<Receipt, Status>,
    ) -> (Tally, Vec<String>, Vec<Delivery>) {
        let (mut said, mut sent) = (Vec::new(), Vec::new());
        let send = |request: Request<Delivery>| {
            sent.push(request.into_inner());
            answer(sent.len() as u64)
        };
        let tally = feed(intake, PATIENCE, send, |text| said.push(text.to_owned()));
        (tally, said, sent)
    }

    #[test]
    fn each_line_is_one_request() {
        let (tally, said, sent) = fed(&intake(&[HERE, "", UNNAMED, "  "]), receipt);
        assert_eq!((tally.received, tally.refused, tally.broken), (2, 0, 0));
        assert!(matches!(tally.end, End::Complete), "{tally:?}");
        assert_eq!(
            said,
            ["line 1: received, 1 in all: here", "line 3: received, 2 in all: 0.0000003, 0.0000004"]
        );
        let features: Vec<Feature> = sent
            .iter()
            .map(|delivery| delivery.feature.clone().unwrap())
            .map(|feature| Feature { location: feature.location.unwrap().into(), name: feature.name })
            .collect();
        assert_eq!(features, [Feature::parse(HERE).unwrap(), Feature::parse(UNNAMED).unwrap()]);
    }

    #[test]
    fn ids_are_new_for_each_line_and_each_feed() {
        let ids = || fed(&intake(&[HERE, HERE]), receipt).2.into_iter().map(|delivery| delivery.id);
        let all: std::collections::HashSet<String> = ids().chain(ids()).collect();
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|id| id.len() <= super::super::Limits::default().id));
    }

    #[test]
    fn a_broken_line_does_not_stop_the_rest() {
        let lines = [
            r#"{"location": {"latitude": 1}}"#,
            HERE,
            "no JSON",
            r#"{"location": {"latitude": 900000001, "longitude": 0}}"#,
            UNNAMED,
        ];
        let (tally, said, sent) = fed(&intake(&lines), receipt);
        assert_eq!((tally.received, tally.broken, sent.len()), (2, 3, 2));
        assert_eq!(said[0], "line 1: broken: missing field `longitude` at column 28");
        assert_eq!(said[2], "line 3: broken: expected ident at column 2");
        assert_eq!(said[3], "line 4: broken: 900000001,0 is not on the globe at column 53");
        assert!(matches!(tally.end, End::Complete), "{tally:?}");
    }

    #[test]
    fn a_report_is_one_line_that_fits_a_screen() {
        let colourful = r#"{"location": {"latitude": 1, "longitude": 2}, "name": "a\nb\u001b[31m"}"#;
        let endless = format!("\"{}\"", "x".repeat(10_000));
        let (_, said, _) = fed(&intake(&[colourful, &endless]), receipt);
        assert_eq!(said[0], r"line 1: received, 1 in all: a\nb\u{1b}[31m");
        assert!(
            said[1].starts_with("line 2: broken: invalid type: string") && said[1].len() < 400,
            "{}",
            said[1]
        );
    }

    #[test]
    fn a_refusal_is_reported_and_not_repeated() {
        let answer = |request| match request {
            1 => Err(Status::invalid_argument("not this one")),
            _ => receipt(1),
        };
        let (tally, said, sent) = fed(&intake(&[HERE, UNNAMED]), answer);
        assert_eq!((tally.received, tally.refused, sent.len()), (1, 1, 2));
        assert!(said[0].contains("refused") && said[0].contains("not this one"), "{}", said[0]);
    }

    #[test]
    fn without_an_answer_the_same_request_is_sent_again() {
        let answer = |request| match request {
            1 => Err(Status::unavailable("nobody there")),
            2 => Err(Status::deadline_exceeded("too late")),
            _ => Ok(Receipt { received: 5, repeated: true }),
        };
        let (tally, said, sent) = fed(&intake(&[HERE]), answer);
        assert_eq!((tally.received, tally.refused), (1, 0));
        assert!(matches!(tally.end, End::Complete), "{tally:?}");
        assert_eq!((sent.len(), &sent[0], &sent[1]), (3, &sent[1], &sent[2]));
        assert!(said[0].contains("nobody there") && said[0].ends_with("trying again in 1ms"), "{}", said[0]);
        assert!(said[1].ends_with("trying again in 2ms"), "{}", said[1]);
        assert_eq!(said[2], "line 1: received already, 5 in all: here");
    }

    #[test]
    fn a_server_that_is_gone_ends_the_feed() {
        let answer = |request| if request == 1 { receipt(1) } else { Err(Status::unavailable("gone")) };
        let (tally, _, sent) = fed(&intake(&[HERE, HERE, HERE]), answer);
        assert_eq!(tally.received, 1);
        assert!(matches!(tally.end, End::Unanswered { line: 2, .. }), "{tally:?}");
        assert_eq!(sent.len(), 4);
    }

    #[test]
    fn a_stop_ends_the_feed_with_the_request_under_way() {
        let intake = intake(&[HERE, HERE, HERE]);
        let answer = |request| {
            if request == 2 {
                intake.stop();
            }
            receipt(request)
        };
        let (tally, _, sent) = fed(&intake, answer);
        assert_eq!((tally.received, sent.len()), (2, 2));
        assert!(matches!(tally.end, End::Stopped), "{tally:?}");
    }

    #[test]
    fn a_stop_ends_the_attempts() {
        let intake = intake(&[HERE]);
        let answer = |_| {
            intake.stop();
            Err(Status::unavailable("gone"))
        };
        let (tally, _, sent) = fed(&intake, answer);
        assert_eq!((tally.received, sent.len()), (0, 1));
        assert!(matches!(tally.end, End::Stopped), "{tally:?}");
    }

    #[test]
    fn progress_is_shown_when_the_length_is_known() {
        let text = format!("{HERE}\n{HERE}\n");
        let length = text.len() as u64;
        let (_, said, _) = fed(&Intake::read(Cursor::new(text), Some(length)), receipt);
        assert_eq!(
            said,
            ["[ 50%] line 1: received, 1 in all: here", "[100%] line 2: received, 2 in all: here"]
        );
    }
}
