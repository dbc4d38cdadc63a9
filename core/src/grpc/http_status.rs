//! What HTTP/2 says of a call that has no gRPC status (gRPC, `http-grpc-status-mapping.md`, `PROTOCOL-HTTP2.md`).

use super::Code;
use crate::http2::Reason;

/// The code for a response with this HTTP status and no `grpc-status`. Never used the other way round.
pub fn code_of_http_status(status: u16) -> Code {
    match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// The code for a call whose stream the server reset with `reason`.
pub fn code_of_reset(reason: Reason) -> Code {
    match reason {
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL => Code::Cancelled,
        Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Obligations: 51.
    #[test]
    fn http_statuses_map_as_the_document_says() {
        let expected = |status| match status {
            400 => Code::Internal,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502..=504 => Code::Unavailable,
            _ => Code::Unknown,
        };
        for status in 100..1000 {
            assert_eq!(code_of_http_status(status), expected(status), "{status}");
        }
    }

    /// Obligations: 51.
    #[test]
    fn resets_map_as_the_protocol_says() {
        let mapped: Vec<_> = (0..16).map(|code| code_of_reset(Reason(code))).collect();
        let internal = Code::Internal;
        let mut expected = [internal; 16];
        expected[7] = Code::Unavailable;
        expected[8] = Code::Cancelled;
        expected[11] = Code::ResourceExhausted;
        expected[12] = Code::PermissionDenied;
        assert_eq!(mapped, expected);
    }
}
