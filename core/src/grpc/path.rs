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
        let path = core::str::from_utf8(path).ok()?;
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        let legal = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|octet| octet.is_ascii_graphic() && !b"/?#%".contains(&octet))
        };
        (legal(service) && legal(method)).then_some(Self { service, method })
    }
}

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
                }
            }
        }
    }
}
