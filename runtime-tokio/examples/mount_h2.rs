//! The greeter over bare connections of the `h2` crate: `cargo run -p unwired-tokio --example mount_h2`, then
//! `cargo run -p unwired-tokio --example greeter_client`.

use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Response;
use http_body::{Body, Frame};
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;
use unwired::Server;
use unwired::mount::Mount;
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_tokio::Tokio;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mount = Mount::new(Server::builder().add_service(GreeterServer::new(PoliteGreeter)), Tokio::handle());
    let listener = TcpListener::bind("[::]:50051").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, remote) = listener.accept().await?;
        let mount = mount.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(socket, mount).await {
                eprintln!("{remote}: {error}");
            }
        });
    }
}

/// A connection may have more ahead than one of its streams: who does not read holds up nobody else.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Serves one connection to its end.
pub(crate) async fn serve(socket: TcpStream, mount: Mount) -> Result<(), h2::Error> {
    let mut settings = h2::server::Builder::new();
    let settings = settings.initial_connection_window_size(CONNECTION_WINDOW);
    let mut connection = settings.handshake(socket).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, mut respond) = accepted?;
        let mut mount = mount.clone();
        tokio::spawn(async move {
            let mut answer = pin!(mount.call(request.map(Received)));
            let answer = poll_fn(|cx| match respond.poll_reset(cx) {
                // The client has given the call up: so does whoever drops the answer.
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => answer.as_mut().poll(cx).map(|Ok(response)| Some(response)),
            });
            if let Some(response) = answer.await
                && let Err(error) = send(response, respond).await
            {
                eprintln!("a response was not sent: {error}");
            }
        });
    }
    Ok(())
}

/// Sends a response, as the client lets it.
async fn send(
    response: Response<unwired::mount::Body>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let (head, mut body) = response.into_parts();
    let mut stream = respond.send_response(Response::from_parts(head, ()), body.is_end_stream())?;
    while let Some(frame) = poll_fn(|cx| poll_frame(&mut body, &mut stream, cx)).await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(reason) => {
                stream.send_reset(reason);
                return Ok(());
            }
        };
        match frame.into_data() {
            Ok(data) => send_data(data, &mut stream).await?,
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    return stream.send_trailers(trailers);
                }
            }
        }
    }
    Ok(())
}

/// The next frame, or why there is none: a client that resets the stream wants no more.
fn poll_frame(
    body: &mut unwired::mount::Body,
    stream: &mut SendStream<Bytes>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, Reason>>> {
    if stream.poll_reset(cx).is_ready() {
        return Poll::Ready(Some(Err(Reason::CANCEL)));
    }
    let frame = ready!(Pin::new(body).poll_frame(cx));
    Poll::Ready(frame.map(|frame| frame.map_err(|reset| reset.code().into())))
}

async fn send_data(mut data: Bytes, stream: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let Some(room) = poll_fn(|cx| stream.poll_capacity(cx)).await.transpose()? else { return Ok(()) };
        stream.send_data(data.split_to(room.min(data.len())), false)?;
    }
    Ok(())
}

/// The body of a request: what is read makes room for what follows.
struct Received(RecvStream);

impl Body for Received {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let stream = &mut self.0;
        if let Some(data) = ready!(stream.poll_data(cx)).transpose()? {
            stream.flow_control().release_capacity(data.len())?;
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        let trailers = ready!(stream.poll_trailers(cx)?);
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}
