//! A weather station.

use std::time::Duration;

use unwired::{Request, Response, Status, Stream, stream_with};

use weather::weather_server::Weather;
use weather::{Reading, WatchRequest};

/// What `build.rs` has generated of `package weather;`.
pub mod weather {
    include!(concat!(env!("OUT_DIR"), "/weather.rs"));
}

/// A station whose thermometer is made up.
pub struct Station;

impl Weather for Station {
    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<impl Stream<Item = Result<Reading, Status>> + Send>, Status> {
        // Time comes from the runtime that the call is on, so that the same code runs in simulated time.
        let runtime = request.runtime().cloned().ok_or_else(|| Status::internal("not in a call"))?;
        let WatchRequest { place, interval_ms } = request.into_inner();
        if place.is_empty() {
            return Err(Status::invalid_argument("which place? set `place`"));
        }
        let interval = Duration::from_millis(interval_ms.max(1).into());
        Ok(Response::new(stream_with(async move |mut sink| {
            for number in 1.. {
                let celsius = 20.0 + f64::from(number % 10) / 10.0;
                sink.send(Reading { number, celsius }).await?;
                runtime.sleep(interval).await;
            }
            Ok(())
        })))
    }
}
