//! Rich errors: the standard details of `google.rpc`, in and out of a [`Status`].
//!
//! ```
//! use unwired::{Code, Status};
//! use unwired_services::error_details::{BadRequest, StatusExt, bad_request::FieldViolation};
//!
//! let violation = FieldViolation { field: "name".into(), description: "must not be empty".into(), ..Default::default() };
//! let status = Status::rich(Code::InvalidArgument, "who are you?", [BadRequest { field_violations: vec![violation] }]);
//!
//! // On the other side:
//! let bad_request: Option<BadRequest> = status.detail();
//! assert_eq!(bad_request.unwrap().field_violations[0].field, "name");
//! ```

use prost::{DecodeError, Message};
use prost_types::Any;
use unwired::{Code, Status};

use crate::pb::google::rpc;

pub use crate::pb::google::rpc::{
    BadRequest, DebugInfo, ErrorInfo, Help, LocalizedMessage, PreconditionFailure, QuotaFailure, RequestInfo,
    ResourceInfo, RetryInfo, bad_request, help, precondition_failure, quota_failure,
};

const DOMAIN: &str = "type.googleapis.com";

/// One detail of an error.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Detail {
    /// The cause, in a form that programs can tell apart.
    ErrorInfo(ErrorInfo),
    /// When to try again.
    RetryInfo(RetryInfo),
    /// What helps to find a fault.
    DebugInfo(DebugInfo),
    /// Which quotas would have been exceeded.
    QuotaFailure(QuotaFailure),
    /// Which conditions were not met.
    PreconditionFailure(PreconditionFailure),
    /// What is wrong with the request itself.
    BadRequest(BadRequest),
    /// How to find the request again.
    RequestInfo(RequestInfo),
    /// Which resource was accessed.
    ResourceInfo(ResourceInfo),
    /// Where to read on.
    Help(Help),
    /// A message for the user.
    LocalizedMessage(LocalizedMessage),
    /// Anything else that caller and service agree on.
    Other(Any),
}

/// One of the standard messages that can be the detail of an error.
pub trait DetailMessage: Into<Detail> + sealed::Sealed {
    /// The message out of a detail of its kind.
    fn from_detail(detail: Detail) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! standard {
    ($($message:ident)*) => {
        $(
            impl From<$message> for Detail {
                fn from(message: $message) -> Self {
                    Self::$message(message)
                }
            }

            impl sealed::Sealed for $message {}

            impl DetailMessage for $message {
                fn from_detail(detail: Detail) -> Option<Self> {
                    match detail {
                        Detail::$message(message) => Some(message),
                        _ => None,
                    }
                }
            }
        )*

        impl From<Detail> for Any {
            fn from(detail: Detail) -> Self {
                let (name, value) = match detail {
                    $(Detail::$message(message) => (stringify!($message), message.encode_to_vec()),)*
                    Detail::Other(any) => return any,
                };
                Self { type_url: format!("{DOMAIN}/google.rpc.{name}"), value }
            }
        }

        impl TryFrom<Any> for Detail {
            type Error = DecodeError;

            fn try_from(any: Any) -> Result<Self, DecodeError> {
                // Only what stands after the last slash names the type.
                let name = any.type_url.rsplit('/').next().and_then(|name| name.strip_prefix("google.rpc."));
                Ok(match name {
                    $(Some(stringify!($message)) => Self::$message(Message::decode(&*any.value)?),)*
                    _ => Self::Other(any),
                })
            }
        }
    };
}

standard! {
    ErrorInfo RetryInfo DebugInfo QuotaFailure PreconditionFailure BadRequest RequestInfo ResourceInfo Help
    LocalizedMessage
}

/// What [`Status`] can do with details of `google.rpc`.
pub trait StatusExt: Sized {
    /// A status with details. Of more than one kind, they come as [`Detail`]s.
    fn rich<D: Into<Detail>>(
        code: Code,
        message: impl Into<String>,
        details: impl IntoIterator<Item = D>,
    ) -> Self;

    /// All details, in their order; none if the status carries none.
    ///
    /// # Errors
    ///
    /// What the peer sent is no `google.rpc.Status`, or a detail is not what its type says.
    fn rich_details(&self) -> Result<Vec<Detail>, DecodeError>;

    /// The first detail of this kind, if there is one that can be decoded.
    fn detail<D: DetailMessage>(&self) -> Option<D>;
}

impl StatusExt for Status {
    fn rich<D: Into<Detail>>(
        code: Code,
        message: impl Into<String>,
        details: impl IntoIterator<Item = D>,
    ) -> Self {
        let message = message.into();
        let details = details.into_iter().map(|detail| detail.into().into()).collect();
        // Code and message stand in both places, and readers check that they agree.
        let status = rpc::Status { code: code as i32, message: message.clone(), details };
        Self::with_details(code, message, status.encode_to_vec())
    }

    fn rich_details(&self) -> Result<Vec<Detail>, DecodeError> {
        let status = rpc::Status::decode(self.details())?;
        status.details.into_iter().map(Detail::try_from).collect()
    }

    fn detail<D: DetailMessage>(&self) -> Option<D> {
        let status = rpc::Status::decode(self.details()).ok()?;
        status.details.into_iter().filter_map(|any| Detail::try_from(any).ok()).find_map(D::from_detail)
    }
}

#[cfg(test)]
mod tests {
    use prost_types::Duration;

    use super::*;

    fn retry() -> RetryInfo {
        RetryInfo { retry_delay: Some(Duration { seconds: 3, nanos: 0 }) }
    }

    #[test]
    fn details_come_back_in_their_order() {
        let other = Any { type_url: "example.com/p.M".to_owned(), value: vec![1, 2] };
        let help = Help { links: vec![help::Link { description: "d".to_owned(), url: "u".to_owned() }] };
        let details = [retry().into(), Detail::Other(other), help.into()];
        let status = Status::rich(Code::Unavailable, "later", details.clone());
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "later"));
        assert_eq!(status.rich_details().unwrap(), details);
        assert_eq!(status.detail(), Some(retry()));
        assert_eq!(status.detail::<DebugInfo>(), None);
    }

    #[test]
    fn the_bytes_are_those_that_others_write() {
        let info = ErrorInfo { reason: "R".to_owned(), domain: "d".to_owned(), ..Default::default() };
        let status = Status::rich(Code::NotFound, "m", [info]);
        let url = b"type.googleapis.com/google.rpc.ErrorInfo";
        let mut expected = b"\x08\x05\x12\x01m\x1a\x32\x0a\x28".to_vec();
        expected.extend_from_slice(url);
        expected.extend_from_slice(b"\x12\x06\x0a\x01R\x12\x01d");
        assert_eq!(status.details(), expected);
    }

    #[test]
    fn a_status_without_details_has_none() {
        assert_eq!(Status::new(Code::Internal, "m").rich_details().unwrap(), []);
        assert_eq!(Status::new(Code::Internal, "m").detail::<RetryInfo>(), None);
    }

    #[test]
    fn what_cannot_be_decoded_is_an_error_or_passed_over() {
        let status = Status::with_details(Code::Internal, "m", b"\xff".to_vec());
        assert!(status.rich_details().is_err());
        assert_eq!(status.detail::<RetryInfo>(), None);

        let broken = Any { type_url: format!("{DOMAIN}/google.rpc.RetryInfo"), value: b"\xff".to_vec() };
        let status = Status::rich(Code::Internal, "m", [Detail::Other(broken), retry().into()]);
        assert!(status.rich_details().is_err());
        assert_eq!(status.detail(), Some(retry()));
    }
}
