//! What RFC 9113 §8 says of a whole field section: the same judge for what we receive and for what we send.

use core::fmt;

use super::Fields;
use super::field::{Class, Classes, Known, parse_u64};

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
    /// What the head says of the length of the content; [`Response::expected_content`] says whether to believe it.
    pub(crate) content_length: Option<u64>,
}

impl Response {
    /// Whether another response head follows (RFC 9110 §15.2).
    pub(crate) const fn is_informational(self) -> bool {
        self.status < 200
    }

    /// How many bytes of DATA must come, if that is known (RFC 9113 §8.1.1, RFC 9110 §6.4.1).
    pub(crate) const fn expected_content(self, to_head: bool) -> Option<u64> {
        if to_head || matches!(self.status, 204 | 304) { Some(0) } else { self.content_length }
    }
}

/// Judges the field section at the head of a request.
pub(crate) fn request(fields: &Fields) -> Result<Request, Malformed> {
    let head = Section::read(fields)?;
    let method = head.method.ok_or(Malformed("request without :method"))?;
    if head.status.is_some() {
        return Err(Malformed(":status in a request"));
    }
    let is_connect = method == b"CONNECT";
    if is_connect {
        // RFC 9113 §8.5
        if head.scheme.is_some() || head.path.is_some() {
            return Err(Malformed("CONNECT with :scheme or :path"));
        }
        if head.authority.is_none_or(<[u8]>::is_empty) {
            return Err(Malformed("CONNECT without :authority"));
        }
    } else {
        // RFC 9113 §8.3.1
        if head.scheme.is_none() {
            return Err(Malformed("request without :scheme"));
        }
        if head.path.is_none() {
            return Err(Malformed("request without :path"));
        }
    }
    if let (Some(authority), Some(host)) = (head.authority, head.host)
        && !authority.eq_ignore_ascii_case(host)
    {
        return Err(Malformed("host differs from :authority"));
    }
    Ok(Request { is_head: method == b"HEAD", is_connect, content_length: head.content_length })
}

/// As [`request`], of a section whose lines have these classes: nearly always they say all.
pub(crate) fn request_of(classes: Classes, fields: &Fields) -> Result<Request, Malformed> {
    let is_method = |known: Known| known.class == Class::Method;
    match fields.known().position(is_method).map(|at| fields.value(at)) {
        Some(method) if classes.is_plain_request() && method != b"CONNECT" => {
            Ok(Request { is_head: method == b"HEAD", is_connect: false, content_length: None })
        }
        _ => request(fields),
    }
}

/// Judges the field section at the head of a response, final or informational.
pub(crate) fn response(fields: &Fields) -> Result<Response, Malformed> {
    let head = Section::read(fields)?;
    if head.method.or(head.scheme).or(head.authority).or(head.path).is_some() {
        return Err(Malformed("request pseudo-header field in a response"));
    }
    Ok(Response { status: status_of(head.status)?, content_length: head.content_length })
}

/// As [`response`], of a section whose lines have these classes.
pub(crate) fn response_of(classes: Classes, fields: &Fields) -> Result<Response, Malformed> {
    if !classes.is_plain_response() {
        return response(fields);
    }
    Ok(Response { status: status_of(Some(fields.value(0)))?, content_length: None })
}

fn status_of(value: Option<&[u8]>) -> Result<u16, Malformed> {
    let status = value.and_then(parse_u64).and_then(|status| u16::try_from(status).ok());
    status.ok_or(Malformed("response without :status"))
}

/// Judges the field section behind a message.
pub(crate) fn trailers(fields: &Fields) -> Result<(), Malformed> {
    let section = Section::read(fields)?;
    if section.method.or(section.scheme).or(section.authority).or(section.path).or(section.status).is_some() {
        return Err(Malformed("pseudo-header field in trailers"));
    }
    // RFC 9110 §6.5.1: framing is over when trailers come. Who merges them into the head must not find another length.
    if section.content_length.is_some() {
        return Err(Malformed("content-length in trailers"));
    }
    Ok(())
}

/// As [`trailers`], of a section whose lines have these classes.
pub(crate) fn trailers_of(classes: Classes, fields: &Fields) -> Result<(), Malformed> {
    if classes.is_plain_trailers() { Ok(()) } else { trailers(fields) }
}

/// The lines of a section that mean something to HTTP/2, each at most once.
#[derive(Default)]
struct Section<'a> {
    method: Option<&'a [u8]>,
    scheme: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    content_length: Option<u64>,
}

impl<'a> Section<'a> {
    /// Reads a section in one pass, and refuses what no section may hold.
    fn read(fields: &'a Fields) -> Result<Self, Malformed> {
        let mut section = Self::default();
        let mut regular = false;
        for (class, field) in fields.classified() {
            let pseudo = match class {
                Class::Regular | Class::Te => {
                    regular = true;
                    continue;
                }
                Class::Host => {
                    regular = true;
                    if section.host.replace(field.value).is_some() {
                        return Err(Malformed("host twice"));
                    }
                    continue;
                }
                Class::ContentLength => {
                    regular = true;
                    let length = parse_u64(field.value);
                    if section.content_length.is_some() && section.content_length != length {
                        return Err(Malformed("content-length twice with different values"));
                    }
                    section.content_length = length;
                    continue;
                }
                Class::Method => &mut section.method,
                Class::Scheme => &mut section.scheme,
                Class::Authority => &mut section.authority,
                Class::Path => &mut section.path,
                Class::Status => &mut section.status,
                Class::BadName
                | Class::BadValue
                | Class::UnknownPseudo
                | Class::ConnectionSpecific
                | Class::BadTe
                | Class::UserInformation
                | Class::BadContentLength
                | Class::BadPseudoValue => return Err(Malformed(class.fault().unwrap_or("malformed field"))),
            };
            // RFC 9113 §8.3: all pseudo-header fields before the others, and none twice.
            if regular {
                return Err(Malformed("pseudo-header field behind a regular field"));
            }
            if pseudo.replace(field.value).is_some() {
                return Err(Malformed("pseudo-header field twice"));
            }
        }
        Ok(section)
    }
}

#[cfg(test)]
mod tests;
