use std::time::Duration;

use unwired::{Code, Request, Server};
use unwired_sim::Sim;
use weather::Station;
use weather::weather::WatchRequest;
use weather::weather::weather_client::WeatherClient;
use weather::weather::weather_server::WeatherServer;

/// A station on one host, and a client of it on another.
fn start(sim: &Sim) -> WeatherClient {
    let (phone, mast) = (sim.host("phone"), sim.host("mast"));
    let services = Server::builder().add_service(WeatherServer::new(Station));
    // The handle tells when the server ends. It serves without it.
    drop(mast.serve(50051, services).unwrap());
    WeatherClient::new(phone.channel("http://mast:50051").unwrap().connect_lazy())
}

fn every_minute(timeout: Duration) -> Request<WatchRequest> {
    let mut request = Request::new(WatchRequest { place: "Oslo".to_owned(), interval_ms: 60_000 });
    request.set_timeout(timeout);
    request
}

#[test]
fn an_hour_has_sixty_readings() {
    unwired_sim::check(0..20, |sim| {
        let client = start(sim);
        sim.run_until(async {
            let begun = sim.now();
            let hour = Duration::from_secs(3600);
            let mut readings = client.watch(every_minute(hour)).await.unwrap().into_inner();
            let mut count = 0;
            let status = loop {
                match readings.message().await {
                    Ok(Some(reading)) => count = reading.number,
                    Ok(None) => panic!("the station has stopped by itself"),
                    Err(status) => break status,
                }
            };
            assert_eq!((count, status.code()), (60, Code::DeadlineExceeded));
            // To the nanosecond, in a few milliseconds of yours.
            assert_eq!(sim.now() - begun, hour);
        });
    });
}

#[test]
fn a_broken_connection_is_told() {
    unwired_sim::check(0..20, |sim| {
        let client = start(sim);
        sim.run_until(async {
            let request = every_minute(Duration::from_secs(3600));
            let mut readings = client.watch(request).await.unwrap().into_inner();
            assert_eq!(readings.message().await.unwrap().unwrap().number, 1);
            sim.reset_connections("phone", "mast");
            assert_eq!(readings.message().await.unwrap_err().code(), Code::Unavailable);
        });
    });
}
