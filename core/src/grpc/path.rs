/// The `:path` of a call: `/`, the full name of a service, `/`, the name of a method.
///
/// The same two names go to the router, to interceptors and to metrics, so that none of them sees another call than the
/// others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MethodPath<'a> {
    /// Full name of the service, with its package.
    pub service: &'a str,
    /// Name of the method.
    pub method: &'a str,
}

impl<'a> MethodPath<'a> {
    /// Reads a path. `None` for any other form: nothing is decoded, folded or cut off.
    pub fn parse(path: &'a [u8]) -> Option<Self> {
        Self::split(path, slash(path)?)
    }

    /// The two names of a path whose [`slash`] was found before.
    pub(crate) fn split(path: &'a [u8], slash: usize) -> Option<Self> {
        let (service, method) = names(path, slash)?;
        let text = core::str::from_utf8;
        Some(Self { service: text(service).ok()?, method: text(method).ok()? })
    }
}

/// Service and method of a path whose [`slash`] was found before.
pub(crate) fn names(path: &[u8], slash: usize) -> Option<(&[u8], &[u8])> {
    let (service, method) = path.split_at_checked(slash)?;
    Some((service.get(1..)?, method.get(1..)?))
}

/// Where the method begins, with its slash, if this is the path of a call. One look at each octet.
pub(crate) fn slash(path: &[u8]) -> Option<usize> {
    let (b'/', names) = path.split_first()? else { return None };
    let mut slash = None;
    for (&octet, at) in names.iter().zip(1..) {
        match OCTETS.get(usize::from(octet)) {
            Some(Octet::OfName) => {}
            Some(Octet::Slash) if slash.is_none() => slash = Some(at),
            _ => return None,
        }
    }
    // Neither name is empty.
    slash.filter(|&slash| slash > 1 && slash < names.len())
}

/// What an octet is in the path of a call.
#[derive(Clone, Copy)]
enum Octet {
    Illegal,
    OfName,
    Slash,
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
static OCTETS: [Octet; 256] = {
    let mut octets = [Octet::Illegal; 256];
    let mut octet = b'!';
    while octet <= b'~' {
        octets[octet as usize] = match octet {
            b'/' => Octet::Slash,
            b'?' | b'#' | b'%' => Octet::Illegal,
            _ => Octet::OfName,
        };
        octet += 1;
    }
    octets
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_a_service_and_a_method() {
        let path = MethodPath::parse(b"/helloworld.Greeter/SayHello");
        assert_eq!(path, Some(MethodPath { service: "helloworld.Greeter", method: "SayHello" }));
    }

    /// Threats: S1.
    #[test]
    fn no_other_form_is_folded_into_one() {
        for path in [
            "",
            "/",
            "//",
            "a/b",
            "/a",
            "/a/",
            "//b",
            "/a/b/",
            "/a//b",
            "//a/b",
            "/a/b/c",
            "/a/b?c",
            "/a/b#c",
            "/a%2Fb/c",
            "/a /b",
            "/a/b ",
            "*",
            "/a/\u{e4}",
            "/a/\n",
        ] {
            assert_eq!(MethodPath::parse(path.as_bytes()), None, "{path:?}");
        }
        assert_eq!(MethodPath::parse(b"/a/\xff"), None);
    }

    proptest! {
        #[test]
        fn what_is_read_is_all_that_was_there(octets: Vec<u8>, near in "[/a-c?#%]{0,8}") {
            for path in [&octets[..], near.as_bytes()] {
                if let Some(MethodPath { service, method }) = MethodPath::parse(path) {
                    let whole = format!("/{service}/{method}");
                    prop_assert_eq!(whole.as_bytes(), path);
                    prop_assert!(!service.contains('/') && !method.contains('/'));
                    let octets = slash(path).and_then(|slash| names(path, slash));
                    prop_assert_eq!(octets, Some((service.as_bytes(), method.as_bytes())));
                }
            }
        }
    }
}
