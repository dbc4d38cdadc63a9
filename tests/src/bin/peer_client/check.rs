//! Checks: one line each, in the form that `tests/peers/run` counts.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use unwired::{Code, Status};

/// No check takes longer: a peer that hangs is a failure, not a pause.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a check comes to.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// Makes one check and reports it. A failed one does not stop those after it.
pub(crate) async fn check(name: &str, body: impl Future<Output = Outcome>) {
    match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(())) => println!("ok   {name}"),
        Ok(Err(error)) => println!("FAIL {name}: {error}"),
        Err(_) => println!("FAIL {name}: no end after {PATIENCE:?}"),
    }
}

/// Fails unless both are the same.
pub(crate) fn equal<T: PartialEq + Debug>(found: T, expected: T) -> Outcome {
    that(found == expected, || {
        format!("expected {:.300}, found {:.300}", format!("{expected:?}"), format!("{found:?}"))
    })
}

/// Fails with the reason unless it holds.
pub(crate) fn that(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

/// The status of a call that has to end with `code`.
pub(crate) fn fails_with<T: Debug>(code: Code, result: Result<T, Status>) -> Result<Status, Box<dyn Error>> {
    match result {
        Err(status) if status.code() == code => Ok(status),
        Err(status) => Err(format!("expected {code:?}, found {status}").into()),
        Ok(answer) => Err(format!("expected {code:?}, found {:.300}", format!("{answer:?}")).into()),
    }
}
