use std::error::Error;
use std::time::Duration;

use unwired::{Code, Request};
use weather::weather::WatchRequest;
use weather::weather::weather_client::WeatherClient;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let channel = unwired_smol::connect("http://127.0.0.1:50051").await?;
        let client = WeatherClient::new(channel);

        let mut request = Request::new(WatchRequest { place: "Oslo".to_owned(), interval_ms: 500 });
        // The deadline: it holds for the whole call, on both sides.
        request.set_timeout(Duration::from_millis(1800));
        let mut readings = client.watch(request).await?.into_inner();
        loop {
            match readings.message().await {
                Ok(Some(reading)) => println!("{}: {:.1} °C", reading.number, reading.celsius),
                Ok(None) => break,
                Err(status) if status.code() == Code::DeadlineExceeded => {
                    println!("time is up");
                    break;
                }
                Err(status) => return Err(status.into()),
            }
        }
        Ok(())
    })
}
