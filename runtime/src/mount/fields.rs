//! Field sections of the core as those of the `http` crate, and back.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use unwired_core::http2::{Field, Fields};

use super::body::Body;
use crate::Status;

/// Appends the headers to a section.
fn put(headers: &HeaderMap, fields: &mut Fields) {
    for (name, value) in headers {
        if value.is_sensitive() {
            fields.push_sensitive(name.as_str().as_bytes(), value.as_bytes());
        } else {
            fields.push(name.as_str().as_bytes(), value.as_bytes());
        }
    }
}

/// The head of a request.
pub(super) fn of_request(head: &http::request::Parts) -> Fields {
    let mut fields = Fields::new();
    fields.push(b":method", head.method.as_str().as_bytes());
    fields.push(b":scheme", head.uri.scheme_str().unwrap_or("http").as_bytes());
    fields.push(b":path", head.uri.path().as_bytes());
    if let Some(authority) = head.uri.authority() {
        fields.push(b":authority", authority.as_str().as_bytes());
    }
    put(&head.headers, &mut fields);
    fields
}

/// The head of a response.
pub(super) fn of_response(status: StatusCode, headers: &HeaderMap) -> Fields {
    let mut fields = Fields::new();
    fields.push(b":status", status.as_str().as_bytes());
    put(headers, &mut fields);
    fields
}

/// Trailers.
pub(super) fn of_trailers(headers: &HeaderMap) -> Fields {
    let mut fields = Fields::new();
    put(headers, &mut fields);
    fields
}

/// The fields of a section that are no pseudo-headers. What `http` does not take is left out: that would be nothing that the
/// rules of metadata or of RFC 9113 §8.2.1 let through.
pub(super) fn headers(fields: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for Field { name, value, sensitive } in fields {
        if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            value.set_sensitive(sensitive);
            headers.append(name, value);
        }
    }
    headers
}

/// A response of that head.
pub(super) fn response(fields: &Fields, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = headers(fields);
    if let Some(Ok(status)) = fields.get(b":status").map(StatusCode::from_bytes) {
        *response.status_mut() = status;
    }
    response
}

/// A request of that head.
///
/// # Errors
///
/// INTERNAL when scheme, authority and path are none of a URI.
pub(super) fn request(fields: &Fields, body: Body) -> Result<Request<Body>, Status> {
    let text = |name| fields.get(name).unwrap_or_default();
    let uri = || -> Result<Uri, http::Error> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::try_from(text(b":scheme"))?);
        parts.authority = Some(Authority::try_from(text(b":authority"))?);
        parts.path_and_query = Some(http::uri::PathAndQuery::try_from(text(b":path"))?);
        Ok(Uri::from_parts(parts)?)
    };
    let uri = uri().map_err(|error| Status::internal(format!("the call has no URI: {error}")))?;
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = headers(fields);
    Ok(request)
}
