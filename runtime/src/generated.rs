//! What generated code calls. Not for people: it changes with the generator.
//!
//! A service of all four kinds looks like this:
//!
//! ```ignore
//! pub mod sample_client {
//!     #[derive(Clone, Debug)]
//!     pub struct SampleClient(::unwired::generated::Client);
//!
//!     impl SampleClient {
//!         pub fn new(channel: ::unwired::Channel) -> Self { Self(::unwired::generated::Client::new(channel)) }
//!         // The four settings, each `fn name(self, ..) -> Self { Self(self.0.name(..)) }`:
//!         // send_compressed(Encoding), max_decoding_message_size(usize), max_encoding_message_size(usize)
//!
//!         pub async fn unary(&self, request: impl ::unwired::IntoRequest<super::In>)
//!             -> Result<::unwired::Response<super::Out>, ::unwired::Status> {
//!             self.0.unary::<::unwired::codec::Prost, _, _>("/pkg.Sample/Unary", request.into_request()).await
//!         }
//!         pub async fn download(&self, request: impl ::unwired::IntoRequest<super::In>)
//!             -> Result<::unwired::Response<::unwired::Streaming<super::Out>>, ::unwired::Status> {
//!             self.0.server_streaming::<::unwired::codec::Prost, _, _>("/pkg.Sample/Download", request.into_request()).await
//!         }
//!         pub async fn upload(&self, request: impl ::unwired::IntoStreamingRequest<Message = super::In>)
//!             -> Result<::unwired::Response<super::Out>, ::unwired::Status> {
//!             self.0.client_streaming::<::unwired::codec::Prost, _, _>("/pkg.Sample/Upload", request.into_streaming_request()).await
//!         }
//!         /// As `upload`, in two halves: messages are sent as they come up, without a stream to take them from.
//!         pub async fn upload_halves(&self, request: ::unwired::Request<()>)
//!             -> Result<(::unwired::Outgoing<super::In>, ::unwired::Answer<super::Out>), ::unwired::Status> {
//!             self.0.client_streaming_halves::<::unwired::codec::Prost, _, _>("/pkg.Sample/Upload", request).await
//!         }
//!         pub async fn chat(&self, request: impl ::unwired::IntoStreamingRequest<Message = super::In>)
//!             -> Result<::unwired::Response<::unwired::Streaming<super::Out>>, ::unwired::Status> {
//!             self.0.streaming::<::unwired::codec::Prost, _, _>("/pkg.Sample/Chat", request.into_streaming_request()).await
//!         }
//!         /// As `chat`, in two halves.
//!         pub async fn chat_halves(&self, request: ::unwired::Request<()>)
//!             -> Result<(::unwired::Outgoing<super::In>, ::unwired::Streaming<super::Out>), ::unwired::Status> {
//!             self.0.streaming_halves::<::unwired::codec::Prost, _, _>("/pkg.Sample/Chat", request).await
//!         }
//!     }
//! }
//!
//! pub mod sample_server {
//!     pub trait Sample: Send + Sync + 'static {
//!         fn unary(&self, request: ::unwired::Request<super::In>)
//!             -> impl Future<Output = Result<::unwired::Response<super::Out>, ::unwired::Status>> + Send;
//!         fn download(&self, request: ::unwired::Request<super::In>)
//!             -> impl Future<Output = Result<::unwired::Response<
//!                 impl ::unwired::Stream<Item = Result<super::Out, ::unwired::Status>> + Send>, ::unwired::Status>> + Send;
//!         fn upload(&self, request: ::unwired::Request<::unwired::Streaming<super::In>>)
//!             -> impl Future<Output = Result<::unwired::Response<super::Out>, ::unwired::Status>> + Send;
//!         fn chat(&self, request: ::unwired::Request<::unwired::Streaming<super::In>>)
//!             -> impl Future<Output = Result<::unwired::Response<
//!                 impl ::unwired::Stream<Item = Result<super::Out, ::unwired::Status>> + Send>, ::unwired::Status>> + Send;
//!     }
//!
//!     #[derive(Debug)]
//!     pub struct SampleServer<T> { inner: ::std::sync::Arc<T>, settings: ::unwired::generated::ServiceSettings }
//!     // Clone by hand: T need not be Clone.
//!
//!     impl<T: Sample> SampleServer<T> {
//!         pub const NAME: &'static str = "pkg.Sample";
//!         pub fn new(inner: T) -> Self { Self::from_arc(::std::sync::Arc::new(inner)) }
//!         pub fn from_arc(inner: ::std::sync::Arc<T>) -> Self { Self { inner, settings: Default::default() } }
//!         // Settings, each `fn name(mut self, ..) -> Self { self.settings = self.settings.name(..); self }`:
//!         // send_compressed(Encoding), max_decoding_message_size(usize), max_encoding_message_size(usize),
//!         // spawn_policy(SpawnPolicy)
//!     }
//!
//!     impl<T: Sample> ::unwired::server::Service for SampleServer<T> {
//!         fn name(&self) -> &'static str { Self::NAME }
//!         fn methods(&self) -> &'static [::unwired::generated::Method] {
//!             use ::unwired::generated::{Cardinality::{Many, One}, Method};
//!             &[Method::new("Unary", One, One), Method::new("Download", One, Many),
//!               Method::new("Upload", Many, One), Method::new("Chat", Many, Many)]
//!         }
//!         fn settings(&self) -> &::unwired::generated::ServiceSettings { &self.settings }
//!         fn call(&self, method: usize, call: ::unwired::generated::Incoming) -> ::unwired::generated::Handler {
//!             let inner = ::std::sync::Arc::clone(&self.inner);
//!             match method {
//!                 0 => Box::pin(async move {
//!                     if let Some((request, reply)) = call.one::<::unwired::codec::Prost, _>().await {
//!                         reply.one::<::unwired::codec::Prost, _>(inner.unary(request).await).await;
//!                     }
//!                 }),
//!                 1 => Box::pin(async move {
//!                     if let Some((request, reply)) = call.one::<::unwired::codec::Prost, _>().await {
//!                         reply.many::<::unwired::codec::Prost, _, _>(inner.download(request).await).await;
//!                     }
//!                 }),
//!                 2 => Box::pin(async move {
//!                     let (request, reply) = call.many::<::unwired::codec::Prost, _>();
//!                     reply.one::<::unwired::codec::Prost, _>(inner.upload(request).await).await;
//!                 }),
//!                 3 => Box::pin(async move {
//!                     let (request, reply) = call.many::<::unwired::codec::Prost, _>();
//!                     reply.many::<::unwired::codec::Prost, _, _>(inner.chat(request).await).await;
//!                 }),
//!                 _ => call.unimplemented(),
//!             }
//!         }
//!     }
//! }
//! ```

pub use unwired_core::grpc::Cardinality;

pub use crate::channel::Client;
pub use crate::server::{Handler, Incoming, LocalHandler, Method, Replies, Reply, ServiceSettings};
