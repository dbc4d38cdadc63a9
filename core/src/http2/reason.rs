use core::fmt;

/// An error code of RST_STREAM and GOAWAY (RFC 9113 §7).
///
/// Codes that the RFC does not name are kept as they are and trigger nothing special.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason(pub u32);

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl Reason {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// The RFC's name of the code, or `None` for a code that it does not name.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    /// Not an error: a graceful end.
    NO_ERROR = 0x0;
    /// A frame or a message that the protocol does not allow.
    PROTOCOL_ERROR = 0x1;
    /// The sender's own fault.
    INTERNAL_ERROR = 0x2;
    /// More DATA than the window allowed, or a window past 2^31-1.
    FLOW_CONTROL_ERROR = 0x3;
    /// SETTINGS were not acknowledged in time.
    SETTINGS_TIMEOUT = 0x4;
    /// A frame for a stream that had ended.
    STREAM_CLOSED = 0x5;
    /// A frame of a wrong size.
    FRAME_SIZE_ERROR = 0x6;
    /// Refused before any processing: safe to try again.
    REFUSED_STREAM = 0x7;
    /// No longer wanted.
    CANCEL = 0x8;
    /// The field compression context is lost.
    COMPRESSION_ERROR = 0x9;
    /// The connection made for CONNECT was reset or closed.
    CONNECT_ERROR = 0xa;
    /// The peer makes too much load.
    ENHANCE_YOUR_CALM = 0xb;
    /// The transport is not secure enough.
    INADEQUATE_SECURITY = 0xc;
    /// The peer wants HTTP/1.1.
    HTTP_1_1_REQUIRED = 0xd;
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "error code {:#x}", self.0),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
