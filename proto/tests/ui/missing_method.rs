use unwired::{Request, Response, Status};
use unwired_proto::helloworld::greeter_server::Greeter;
use unwired_proto::helloworld::{HelloReply, HelloRequest};

struct Curt;

impl Greeter for Curt {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Ok(Response::new(HelloReply { message: request.into_inner().name }))
    }
}

fn main() {}
