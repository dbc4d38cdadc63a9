use core::time::Duration;

use crate::channel::Endpoint;
use crate::transport::Address;

/// gRFC A61, after RFC 8305: how long an address has before the next one is tried beside it.
pub(super) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The order in which addresses are tried (gRFC A61): each once, the families by turns, that of the first address first.
pub(super) fn order(endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    let mut unique: Vec<Endpoint> = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        if unique.iter().all(|there| there.address != endpoint.address) {
            unique.push(endpoint);
        }
    }
    let Some(first) = unique.first().map(|endpoint| is_v6(&endpoint.address)) else { return unique };
    let (here, there): (Vec<_>, Vec<_>) =
        unique.into_iter().partition(|endpoint| is_v6(&endpoint.address) == first);
    let mut ordered = Vec::with_capacity(here.len() + there.len());
    let (mut here, mut there) = (here.into_iter(), there.into_iter());
    loop {
        let pair = (here.next(), there.next());
        if let (None, None) = pair {
            return ordered;
        }
        ordered.extend([pair.0, pair.1].into_iter().flatten());
    }
}

const fn is_v6(address: &Address) -> bool {
    matches!(address, Address::Tcp(address) if address.is_ipv6())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(texts: &[&str]) -> Vec<Endpoint> {
        texts.iter().map(|text| Endpoint::from(text.parse::<std::net::SocketAddr>().unwrap())).collect()
    }

    #[test]
    fn families_take_turns_and_no_address_comes_twice() {
        for (found, ordered) in [
            (&[][..], &[][..]),
            (&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:1"], &["10.0.0.1:1", "10.0.0.2:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1", "10.0.0.2:1"],
                &["[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1", "[::3]:1"],
            ),
            (&["10.0.0.1:1", "[::1]:1", "[::2]:1"], &["10.0.0.1:1", "[::1]:1", "[::2]:1"]),
        ] {
            assert_eq!(order(endpoints(found)), endpoints(ordered));
        }
    }
}
