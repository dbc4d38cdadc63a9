//! What RFC 9113 §8 says of a whole field section, the same for what we receive and what we send.

use super::Fields;
use core::fmt;

/// The rule that a field section breaks (RFC 9113 §8.1.1): a stream error PROTOCOL_ERROR for the one who receives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a connection needs to know of a request's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// The response to HEAD has no content, whatever its content-length says (RFC 9110 §9.3.2).
    pub(crate) is_head: bool,
    /// The request asks for a tunnel (RFC 9113 §8.5).
    pub(crate) is_connect: bool,
    /// How many bytes of DATA must come.
    pub(crate) content_length: Option<u64>,
}

/// What a connection needs to know of a response's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Response {
    /// 100..=999 without 101 (RFC 9113 §8.6).
    pub(crate) status: u16,
    /// How many bytes of DATA must come, unless the request was HEAD or the status is 204 or 304.
    pub(crate) content_length: Option<u64>,
}

impl Response {
    /// Whether another response head follows (RFC 9110 §15.2).
    pub(crate) const fn is_informational(self) -> bool {
        self.status < 200
    }
}

/// Judges the field section at the head of a request.
pub(crate) fn request(fields: &Fields) -> Result<Request, Malformed> {
    let _ = fields;
    Ok(Request { is_head: false, is_connect: false, content_length: None })
}

/// Judges the field section at the head of a response, final or informational.
pub(crate) fn response(fields: &Fields) -> Result<Response, Malformed> {
    let _ = fields;
    Ok(Response { status: 200, content_length: None })
}

/// Judges the field section behind a message.
pub(crate) fn trailers(fields: &Fields) -> Result<(), Malformed> {
    let _ = fields;
    Ok(())
}
