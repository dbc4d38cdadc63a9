//! Generated code compiles whatever the names are, and services can be written against it in plain `async fn`s.

use std::collections::HashMap;
use std::sync::Arc;

use unwired::server::Service;
use unwired::{Request, Response, Status, Stream, Streaming};

use odd::plain_server::{Plain, PlainServer};
use odd::well_known_server::{WellKnown, WellKnownServer};

mod odd {
    #![deny(warnings)]
    #![allow(dead_code, unreachable_pub, reason = "not all of it is used here")]

    include!("generated/odd.rs");

    pub mod nested {
        pub mod deeper {
            include!("generated/odd.nested.deeper.rs");
        }
    }
}

mod no_package {
    #![deny(warnings)]
    #![allow(dead_code, unreachable_pub, reason = "not all of it is used here")]

    include!("generated/_.rs");
}

/// Implements two services: what is called the same in both does not get in the way.
struct Both {
    words: HashMap<String, i64>,
}

impl Plain for Both {
    async fn new(&self, _: Request<odd::Request>) -> Result<Response<odd::Status>, Status> {
        Ok(Response::new(odd::Status {}))
    }

    async fn clone(&self, _: Request<odd::Request>) -> Result<Response<odd::Status>, Status> {
        Err(Status::unimplemented("no clone"))
    }

    async fn say_hello(&self, request: Request<odd::Request>) -> Result<Response<odd::Status>, Status> {
        match request.into_inner().r#type.as_str() {
            "" => Err(Status::invalid_argument("no type")),
            _ => Ok(Response::new(odd::Status {})),
        }
    }

    async fn say_hello_(&self, request: Request<odd::Request>) -> Result<Response<odd::Status>, Status> {
        Plain::say_hello(self, request).await
    }

    async fn request(&self, _: Request<odd::Request>) -> Result<Response<odd::Status>, Status> {
        Ok(Response::new(odd::Status {}))
    }

    async fn inner(&self, _: Request<odd::Request>) -> Result<Response<odd::Status>, Status> {
        Ok(Response::new(odd::Status {}))
    }

    async fn call(&self, _: Request<odd::Request>) -> Result<Response<odd::Status>, Status> {
        Ok(Response::new(odd::Status {}))
    }
}

impl WellKnown for Both {
    async fn nothing(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }

    async fn anything(
        &self,
        _: Request<prost_types::Any>,
    ) -> Result<Response<impl Stream<Item = Result<prost_types::Any, Status>> + Send>, Status> {
        Ok(Response::new(unwired::empty()))
    }

    async fn time(
        &self,
        request: Request<Streaming<prost_types::Timestamp>>,
    ) -> Result<Response<prost_types::Timestamp>, Status> {
        let mut times = request.into_inner();
        let mut last = prost_types::Timestamp::default();
        while let Some(time) = times.message().await? {
            last = time;
        }
        Ok(Response::new(last))
    }

    async fn wrapped(&self, request: Request<String>) -> Result<Response<Vec<u8>>, Status> {
        Ok(Response::new(request.into_inner().into_bytes()))
    }

    async fn numbers(
        &self,
        _: Request<Streaming<i64>>,
    ) -> Result<Response<impl Stream<Item = Result<bool, Status>> + Send>, Status> {
        // What it gives is borrowed from the service.
        let words = self.words.values();
        Ok(Response::new(unwired::stream_with(move |mut sink| async move {
            for number in words {
                sink.send(*number > 0).await?;
            }
            Ok(())
        })))
    }
}

fn methods(service: &impl Service) -> Vec<&'static str> {
    service.methods().iter().map(|method| method.name).collect()
}

#[test]
fn servers_know_their_names_as_they_are_on_the_wire() {
    let both = Arc::new(Both { words: HashMap::new() });
    let plain = PlainServer::from_arc(Arc::clone(&both));
    assert_eq!((plain.name(), PlainServer::<Both>::NAME), ("odd.Plain", "odd.Plain"));
    assert_eq!(methods(&plain), ["New", "Clone", "SayHello", "say_hello", "Request", "Inner", "Call"]);
    let well_known = WellKnownServer::from_arc(both).max_decoding_message_size(1).clone();
    assert_eq!(methods(&well_known), ["Nothing", "Anything", "Time", "Wrapped", "Numbers"]);
}
