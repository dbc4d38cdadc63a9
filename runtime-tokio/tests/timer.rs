//! The timers of tokio through the trait.

use std::future::poll_fn;
use std::time::Duration;

use unwired::Instant;
use unwired::transport::{Runtime, Timer};
use unwired_tokio::Tokio;

#[tokio::test(start_paused = true)]
async fn a_timer_can_be_set_again() {
    let tokio = Tokio::current();
    let mut timer = tokio.timer();
    timer.reset(Instant::FAR_FUTURE);
    timer.reset(tokio.now() + Duration::from_secs(5));
    poll_fn(|cx| timer.poll_expired(cx)).await;
    let late = tokio.now() - Instant::ZERO;
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&late), "{late:?}");
}
