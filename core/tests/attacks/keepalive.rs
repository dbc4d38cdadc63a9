//! PINGs that an application asks for.

use std::time::Duration;

use unwired_core::grpc::Config;
use unwired_core::http2::{Abuse, Event};

use crate::raw::{self, Frame, Raw};
use crate::siege::play;

const SECOND: Duration = Duration::from_secs(1);

/// A client that was asked for a PING every so often, whatever goes on.
fn asked(interval: Duration) -> Config {
    let mut config = Config::client();
    config.set_client_keepalive(interval, SECOND, true);
    config
}

/// Threats: G9.
#[test]
fn a_client_is_made_to_ask_no_more_than_every_ten_seconds() {
    for (interval, kept) in
        [(Duration::ZERO, 10 * SECOND), (SECOND / 1000, 10 * SECOND), (11 * SECOND, 11 * SECOND)]
    {
        let keepalive = asked(interval).http2.keepalive;
        assert_eq!(keepalive.map(|keepalive| keepalive.interval), Some(kept));
    }
    fn hasty() -> Raw {
        Raw::client_with(asked(SECOND / 1000).http2)
    }
    // A minute beside a server that answers each: six of them, and nobody is blamed.
    play(hasty, 0, |client| {
        client.open(1, false);
        let mut asked = 0;
        for _ in 0..600 {
            client.pass(SECOND / 10);
            for frame in client.sent() {
                let Frame::Ping(payload) = frame else { continue };
                asked += 1;
                client.feed(&raw::frame(raw::PING, 1, 0, &payload));
            }
        }
        assert!((5..=6).contains(&asked), "{asked} PINGs in a minute");
        let stats = client.conn.stats();
        assert_eq!((stats.abuse.total(), stats.kills.total()), (0, 0));
        client.lives();
    });
    // One that answers none is not asked again.
    play(hasty, 0, |client| {
        let key = client.open(1, false);
        client.pass(60 * SECOND);
        let asked = client.sent().iter().filter(|frame| matches!(frame, Frame::Ping(_))).count();
        assert_eq!(asked, 1);
        assert!(client.events().iter().any(|event| matches!(event, Event::Closed(_))));
        let stats = client.conn.stats();
        assert_eq!((stats.kills.total(), stats.abuse.get(Abuse::TooManyPings)), (0, 0));
        client.conn.release(key);
    });
}
