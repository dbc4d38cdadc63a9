//! What requests have in common: the head of most calls of a connection differs from that of the call before in timeout and
//! metadata alone.

use super::NewCall;
use crate::grpc::{Encoding, EncodingSet};
use crate::http2::Fields;

/// The definition of the last call, ready to be copied.
#[derive(Default, Debug)]
pub(super) struct LastDefinition {
    fields: Fields,
    user_agent: String,
    encoding: Encoding,
}

impl LastDefinition {
    /// Writes what [`NewCall::define`] does. `accept` is the same each time.
    pub(super) fn put(&mut self, call: &NewCall<'_>, accept: EncodingSet, fields: &mut Fields) {
        if !self.is_of(call) {
            self.fields.clear();
            self.user_agent = call.user_agent.to_owned();
            self.encoding = call.encoding;
            call.define(accept, &mut self.fields);
        }
        fields.copy_from(&self.fields);
    }

    fn is_of(&self, call: &NewCall<'_>) -> bool {
        let mut texts = [call.scheme, call.path, call.authority].into_iter().zip(NewCall::TEXTS);
        self.encoding == call.encoding
            && self.user_agent == call.user_agent
            && texts.all(|(text, line)| self.fields.value(line) == text.as_bytes())
    }

    /// Gives the memory back.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instant;
    use crate::grpc::Metadata;

    #[test]
    fn it_is_what_the_call_says_whatever_came_before() {
        let metadata = Metadata::new();
        let accept = EncodingSet::supported();
        let plain = NewCall { user_agent: "a/1", ..NewCall::new("a", "/a/b", &metadata) };
        let calls = [
            plain,
            NewCall { scheme: "https", ..plain },
            NewCall { path: "/a/c", ..plain },
            NewCall { authority: "b", ..plain },
            NewCall { user_agent: "", ..plain },
            NewCall { user_agent: accept.as_str(), ..plain },
            NewCall { encoding: Encoding::Gzip, ..plain },
        ];
        let mut last = LastDefinition::default();
        for before in &calls {
            for call in &calls {
                for call in [before, call, call] {
                    let (mut put, mut expected) = (Fields::new(), Fields::new());
                    last.put(call, accept, &mut put);
                    call.put_own(Instant::ZERO, &mut put);
                    call.put(Instant::ZERO, accept, &mut expected);
                    assert_eq!(put, expected);
                }
            }
        }
    }
}
