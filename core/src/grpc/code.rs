use core::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// How a call ended (gRPC, `statuscodes.md`).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// All codes in order of their numbers.
            pub const ALL: [Self; 17] = [$(Self::$name,)*];

            /// What the code means, in a few words.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The text of `grpc-status`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($number),)*
                }
            }
        }
    };
}

codes! {
    /// Not an error.
    Ok = 0, "the operation completed";
    /// Given up, typically by the caller.
    Cancelled = 1, "the operation was cancelled";
    /// An error without a code of ours, or one that a handler did not handle.
    Unknown = 2, "unknown error";
    /// The caller gave an argument that is wrong whatever the state of the system.
    InvalidArgument = 3, "the client gave an invalid argument";
    /// The deadline passed before the operation completed.
    DeadlineExceeded = 4, "the deadline expired before the operation completed";
    /// Something asked for is not there.
    NotFound = 5, "what was asked for was not found";
    /// Something to be made is there already.
    AlreadyExists = 6, "what was to be made exists already";
    /// The caller is known and may not do that.
    PermissionDenied = 7, "the caller has no permission to do that";
    /// A quota, a limit or a space is used up.
    ResourceExhausted = 8, "some resource has been exhausted";
    /// The system is not in the state that the operation needs.
    FailedPrecondition = 9, "the system is not in a state required for the operation";
    /// Aborted, typically by a conflict with another operation.
    Aborted = 10, "the operation was aborted";
    /// Past the valid range.
    OutOfRange = 11, "the operation was attempted past the valid range";
    /// Not implemented, or not supported here.
    Unimplemented = 12, "the operation is not implemented or not supported";
    /// Something that must not be is.
    Internal = 13, "internal error";
    /// The service cannot be reached now; trying again may help.
    Unavailable = 14, "the service is currently unavailable";
    /// Data is lost or corrupt beyond repair.
    DataLoss = 15, "unrecoverable data loss or corruption";
    /// The caller is not known.
    Unauthenticated = 16, "the request has no valid credentials";
}

impl Code {
    /// The code with that number; [`Code::Unknown`] for every number that no code has.
    pub fn from_i32(number: i32) -> Self {
        usize::try_from(number)
            .ok()
            .and_then(|number| Self::ALL.get(number))
            .copied()
            .unwrap_or(Self::Unknown)
    }

    /// Reads the text of `grpc-status`: decimal, without sign or leading zero. Anything else is [`Code::Unknown`].
    #[expect(clippy::arithmetic_side_effects, reason = "digits, as matched")]
    pub fn from_bytes(text: &[u8]) -> Self {
        match *text {
            [digit @ b'0'..=b'9'] => Self::from_i32(i32::from(digit - b'0')),
            [b'1', digit @ b'0'..=b'6'] => Self::from_i32(10 + i32::from(digit - b'0')),
            _ => Self::Unknown,
        }
    }
}

impl From<i32> for Code {
    fn from(number: i32) -> Self {
        Self::from_i32(number)
    }
}

impl From<Code> for i32 {
    fn from(code: Code) -> Self {
        code as Self
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_code_is_its_number_and_its_text() {
        for (number, code) in (0..).zip(Code::ALL) {
            assert_eq!((i32::from(code), Code::from_i32(number)), (number, code));
            assert_eq!(
                (code.as_str(), Code::from_bytes(code.as_str().as_bytes())),
                (&*number.to_string(), code)
            );
        }
        for number in [-1, 17, i32::MIN, i32::MAX] {
            assert_eq!(Code::from_i32(number), Code::Unknown);
        }
    }

    proptest! {
        #[test]
        fn any_other_text_is_unknown(text: Vec<u8>) {
            let known = Code::ALL.into_iter().find(|code| code.as_str().as_bytes() == text);
            prop_assert_eq!(Code::from_bytes(&text), known.unwrap_or(Code::Unknown));
        }
    }
}
