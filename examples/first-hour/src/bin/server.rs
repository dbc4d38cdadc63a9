use std::error::Error;
use std::net::SocketAddr;

use unwired::Server;
use weather::Station;
use weather::weather::weather_server::WeatherServer;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let bound = unwired_smol::bind(SocketAddr::from(([127, 0, 0, 1], 50051))).await?;
        println!("listening on {}", bound.local_addr()?);
        bound.serve(Server::builder().add_service(WeatherServer::new(Station))).await?;
        Ok(())
    })
}
