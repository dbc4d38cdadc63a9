//! The `h2` crate answering by hand: what HTTP/2 costs there without anything of gRPC.

use std::error::Error;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use super::{ANYWHERE, Announce};
use crate::wire::PREFIX;

pub(super) fn serve(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    super::one_thread()?.block_on(async {
        let listener = TcpListener::bind(ANYWHERE).await?;
        announce(listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::spawn(connection(socket));
        }
    })
}

async fn connection(socket: TcpStream) -> Result<(), h2::Error> {
    let _ = socket.set_nodelay(true);
    let mut connection = h2::server::handshake(socket).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        tokio::spawn(async move {
            if let Err(error) = answer(request, respond).await {
                eprintln!("a call failed: {error}");
            }
        });
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut body = request.into_body();
    let mut message = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        message.extend_from_slice(&data);
    }
    if message.len() < PREFIX {
        return Err("there is no message".into());
    }
    message.advance(PREFIX);
    let HelloRequest { name } = HelloRequest::decode(message)?;
    let reply = HelloReply { message: format!("Hello, {name}!") };

    let mut data = BytesMut::with_capacity(PREFIX + reply.encoded_len());
    data.put_u8(0);
    data.put_u32(reply.encoded_len() as u32);
    reply.encode(&mut data)?;
    let mut head = Response::new(());
    head.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let mut stream: SendStream<Bytes> = respond.send_response(head, false)?;
    stream.send_data(data.freeze(), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)?;
    Ok(())
}
