use core::fmt::Debug;

use unwired::{Code, Status};

use super::{Failure, Outcome};

/// Fails unless `found` is what is `expected` of `what`.
pub(super) fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    that(found == expected, || format!("{what}: expected {expected:?}, found {found:?}"))
}

/// Fails with the reason unless it holds.
pub(super) fn that(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Failure(otherwise())) }
}

/// Fails unless `result` is an error with `code`, which it gives back.
pub(super) fn fails_with<T>(what: &str, result: Result<T, Status>, code: Code) -> Result<Status, Failure> {
    match result {
        Err(status) if status.code() == code => Ok(status),
        Err(status) => Err(Failure(format!("{what}: expected {code:?}, found {status}"))),
        Ok(_) => Err(Failure(format!("{what}: expected {code:?}, and the call succeeded"))),
    }
}

/// What is there, or a failure that says what is not.
pub(super) fn present<T>(what: &str, found: Option<T>) -> Result<T, Failure> {
    found.ok_or_else(|| Failure(format!("{what} is missing")))
}
