use core::error::Error;
use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::shown::Shown;
use super::{Code, Metadata, MetadataError, base64, percent};
use crate::http2::{Field, Fields};

/// How a call ended: a [`Code`], a message for people, and what the server sent along.
///
/// A status is one pointer wide, and one that is plainly [`Code::Ok`] allocates nothing.
///
/// ```
/// use unwired_core::grpc::{Code, Status};
///
/// let status = Status::not_found("no feature at 1, 2");
/// assert_eq!(status.code(), Code::NotFound);
/// assert_eq!(status.to_string(), "NotFound: no feature at 1, 2");
/// ```
#[derive(Clone, Default)]
pub struct Status(Option<Box<Inner>>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: Cow<'static, str>,
    details: Bytes,
    metadata: Metadata,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

static NO_METADATA: Metadata = Metadata::new();

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident = $code:ident;)*) => {
        $($(#[$doc])*
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::new(Code::$code, message)
        })*
    };
}

impl Status {
    /// [`Code::Ok`] without a message.
    pub const OK: Self = Self(None);

    /// A status of `code` with `message` for people.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        if code == Code::Ok && message.is_empty() {
            return Self::OK;
        }
        Self(Some(Box::new(Inner {
            code,
            message,
            details: Bytes::new(),
            metadata: Metadata::new(),
            source: None,
        })))
    }

    constructors! {
        /// [`Code::Ok`] with a message.
        ok = Ok;
        /// [`Code::Cancelled`].
        cancelled = Cancelled;
        /// [`Code::Unknown`].
        unknown = Unknown;
        /// [`Code::InvalidArgument`].
        invalid_argument = InvalidArgument;
        /// [`Code::DeadlineExceeded`].
        deadline_exceeded = DeadlineExceeded;
        /// [`Code::NotFound`].
        not_found = NotFound;
        /// [`Code::AlreadyExists`].
        already_exists = AlreadyExists;
        /// [`Code::PermissionDenied`].
        permission_denied = PermissionDenied;
        /// [`Code::ResourceExhausted`].
        resource_exhausted = ResourceExhausted;
        /// [`Code::FailedPrecondition`].
        failed_precondition = FailedPrecondition;
        /// [`Code::Aborted`].
        aborted = Aborted;
        /// [`Code::OutOfRange`].
        out_of_range = OutOfRange;
        /// [`Code::Unimplemented`].
        unimplemented = Unimplemented;
        /// [`Code::Internal`].
        internal = Internal;
        /// [`Code::Unavailable`].
        unavailable = Unavailable;
        /// [`Code::DataLoss`].
        data_loss = DataLoss;
        /// [`Code::Unauthenticated`].
        unauthenticated = Unauthenticated;
    }

    /// A status with `details`: by convention an encoded `google.rpc.Status` (`grpc-status-details-bin`).
    pub fn with_details(
        code: Code,
        message: impl Into<Cow<'static, str>>,
        details: impl Into<Bytes>,
    ) -> Self {
        let mut status = Self::new(code, message);
        status.inner_mut().details = details.into();
        status
    }

    /// A status with trailing metadata.
    pub fn with_metadata(code: Code, message: impl Into<Cow<'static, str>>, metadata: Metadata) -> Self {
        let mut status = Self::new(code, message);
        *status.metadata_mut() = metadata;
        status
    }

    /// A status with `details`, as [`with_details`](Self::with_details) takes them, and trailing metadata.
    pub fn with_details_and_metadata(
        code: Code,
        message: impl Into<Cow<'static, str>>,
        details: impl Into<Bytes>,
        metadata: Metadata,
    ) -> Self {
        let mut status = Self::with_details(code, message, details);
        *status.metadata_mut() = metadata;
        status
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.as_ref().map_or(Code::Ok, |inner| inner.code)
    }

    /// Whether the code is [`Code::Ok`].
    pub fn is_ok(&self) -> bool {
        self.code() == Code::Ok
    }

    /// Whether there is no more to say than that.
    pub(crate) const fn is_plainly_ok(&self) -> bool {
        self.0.is_none()
    }

    /// The message for people; it may be empty.
    pub fn message(&self) -> &str {
        self.0.as_ref().map_or("", |inner| &inner.message)
    }

    /// The details as bytes; empty if there are none.
    pub fn details(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |inner| &inner.details)
    }

    /// The trailing metadata.
    pub fn metadata(&self) -> &Metadata {
        self.0.as_ref().map_or(&NO_METADATA, |inner| &inner.metadata)
    }

    /// The trailing metadata, to change.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.inner_mut().metadata
    }

    /// Keeps `source` as what led to this status. It does not go over the wire.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.set_source(Arc::from(source.into()));
        self
    }

    /// As [`caused_by`](Self::caused_by), for an error that is shared.
    pub fn set_source(&mut self, source: Arc<dyn Error + Send + Sync>) -> &mut Self {
        self.inner_mut().source = Some(source);
        self
    }

    /// [`Code::Unknown`] for an error that says no more of itself: its text is the message, and it is the source.
    pub fn from_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        Self::unknown(error.to_string()).caused_by(error)
    }

    fn inner_mut(&mut self) -> &mut Inner {
        self.0.get_or_insert_with(|| {
            Box::new(Inner {
                code: Code::Ok,
                message: Cow::Borrowed(""),
                details: Bytes::new(),
                metadata: Metadata::new(),
                source: None,
            })
        })
    }

    /// Appends the status and its trailing metadata as they go over the wire.
    pub(crate) fn to_trailers(&self, fields: &mut Fields) {
        fields.push(b"grpc-status", self.code().as_str().as_bytes());
        let Some(inner) = &self.0 else { return };
        if !inner.message.is_empty() {
            fields.push(b"grpc-message", &percent::encode(&inner.message));
        }
        if !inner.details.is_empty() {
            fields.push(b"grpc-status-details-bin", base64::encode(&inner.details).as_bytes());
        }
        inner.metadata.put(fields);
    }

    /// Reads a status from trailers, or from the head of a response that is all there is. `None` without
    /// `grpc-status`. A section that is not needed is given back.
    ///
    /// The code survives whatever else is broken: a message that is no percent-coded UTF-8 is shown as far as it can
    /// be, details that are no base64 are left out. A `grpc-status` that no code has is [`Code::Unknown`]; what came is
    /// the source, and the message where the server sent none.
    pub(crate) fn from_trailers(fields: Fields) -> (Option<Self>, Option<Fields>) {
        let (mut code, mut message, mut details) = (None, None, None);
        let mut has_metadata = false;
        for Field { name, value, .. } in &fields {
            // The first counts of fields that must not be repeated.
            match name {
                b"grpc-status" => code = code.or(Some(value)),
                b"grpc-message" => message = message.or(Some(value)),
                b"grpc-status-details-bin" => details = details.or(Some(value)),
                _ => has_metadata = true,
            }
        }
        let Some(text) = code else { return (None, Some(fields)) };
        let code = Code::from_bytes(text);
        let mut message = message.map(percent::decode).unwrap_or_default();
        let details = Bytes::from(details.and_then(base64::decode).unwrap_or_default());
        let mut source = None;
        if code == Code::Unknown && text != Code::Unknown.as_str().as_bytes() {
            let what = format!("the server sent the grpc-status {}, which no code has", Shown(text));
            if message.is_empty() {
                message.clone_from(&what);
            }
            source = Some(Arc::from(Box::<dyn Error + Send + Sync>::from(what)));
        }
        let (metadata, left) =
            if has_metadata { Metadata::from_received(fields) } else { (Metadata::new(), Some(fields)) };
        let is_plain = code == Code::Ok && message.is_empty() && details.is_empty() && metadata.is_empty();
        let status = if is_plain {
            Self::OK
        } else {
            Self(Some(Box::new(Inner { code, message: message.into(), details, metadata, source })))
        };
        (Some(status), left)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: ", self.code())?;
        match self.message() {
            "" => f.write_str(self.code().description()),
            message => f.write_str(message),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut status = f.debug_struct("Status");
        status.field("code", &self.code()).field("message", &self.message());
        if !self.details().is_empty() {
            status.field("details", &self.details().escape_ascii().to_string());
        }
        if !self.metadata().is_empty() {
            status.field("metadata", self.metadata());
        }
        if let Some(source) = self.source() {
            status.field("source", &source.to_string());
        }
        status.finish()
    }
}

impl Error for Status {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.0.as_ref()?.source.as_ref()?)
    }
}

/// INTERNAL: a program that makes metadata of what cannot be any has a fault of its own.
impl From<MetadataError> for Status {
    fn from(error: MetadataError) -> Self {
        Self::internal(error.to_string()).caused_by(error)
    }
}

impl From<Code> for Status {
    fn from(code: Code) -> Self {
        Self::new(code, "")
    }
}

#[cfg(test)]
mod tests;
