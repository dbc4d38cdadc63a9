//! Reflection: a server tells tools which services it has, and their descriptors (`grpc.reflection`, v1 and v1alpha).
//!
//! Nothing is told unless it is added: a server has reflection only if it gets these services, and knows only the
//! descriptors that it was given.
//!
//! ```
//! use unwired::Server;
//! use unwired_services::{pb, reflection};
//!
//! let reflection = reflection::builder().register(pb::FILE_DESCRIPTOR_SET)?.build();
//! let server = Server::builder().add_service(reflection.v1()).add_service(reflection.v1alpha());
//! # Ok::<(), reflection::InvalidDescriptors>(())
//! ```

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use unwired::{Code, Request, Response, Status, Stream, Streaming};

use crate::pb::grpc::reflection::v1::server_reflection_request::MessageRequest as Question;
use crate::pb::grpc::reflection::v1::server_reflection_response::MessageResponse as Answer;
use crate::pb::grpc::reflection::v1::server_reflection_server::{ServerReflection, ServerReflectionServer};
use crate::pb::grpc::reflection::v1::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
    ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
};

pub use self::index::InvalidDescriptors;

use self::index::Index;

mod index;
mod v1alpha;

/// Collects what reflection shall tell.
#[derive(Default)]
pub struct Builder {
    index: Index,
}

/// Begins with nothing to tell.
pub fn builder() -> Builder {
    Builder::default()
}

impl Builder {
    /// Adds the files of an encoded `google.protobuf.FileDescriptorSet`, as
    /// `unwired_build::Builder::file_descriptor_set_path` writes it. It holds all that its files import.
    ///
    /// # Errors
    ///
    /// It cannot be decoded.
    pub fn register(mut self, encoded: &[u8]) -> Result<Self, InvalidDescriptors> {
        self.index.add(encoded)?;
        Ok(self)
    }

    /// What answers the questions; the same for v1 and v1alpha.
    pub fn build(self) -> Reflection {
        Reflection { index: Arc::new(self.index) }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("services", &self.index.services()).finish_non_exhaustive()
    }
}

/// The service itself. Cheap to clone.
#[derive(Clone)]
pub struct Reflection {
    index: Arc<Index>,
}

impl fmt::Debug for Reflection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reflection").field("services", &self.index.services()).finish_non_exhaustive()
    }
}

impl Reflection {
    /// The service as most tools ask for it, ready to be added to a server.
    pub fn v1(&self) -> ServerReflectionServer<Self> {
        ServerReflectionServer::new(self.clone())
    }

    /// The service as older tools ask for it, ready to be added to a server.
    pub fn v1alpha(&self) -> v1alpha::ServerReflectionServer<Self> {
        v1alpha::ServerReflectionServer::new(self.clone())
    }
}

impl ServerReflection for Reflection {
    async fn server_reflection_info(
        &self,
        request: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<ServerReflectionResponse, Status>> + Send>, Status> {
        let mut conversation = Conversation::new(self);
        let answers = Answers {
            questions: request.into_inner(),
            answer: move |question| conversation.answer(question),
        };
        Ok(Response::new(answers))
    }
}

/// An answer for each question.
struct Answers<Q, F> {
    questions: Streaming<Q>,
    answer: F,
}

impl<Q, A, F: FnMut(Q) -> A + Unpin> Stream for Answers<Q, F> {
    type Item = Result<A, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { questions, answer } = self.get_mut();
        Pin::new(questions).poll_next(context).map(|next| next.map(|question| question.map(answer)))
    }
}

/// One stream of questions: what was sent on it is not sent again as an import of something else.
struct Conversation {
    index: Arc<Index>,
    sent: HashSet<usize>,
}

impl Conversation {
    fn new(reflection: &Reflection) -> Self {
        Self { index: Arc::clone(&reflection.index), sent: HashSet::new() }
    }

    fn answer(&mut self, request: ServerReflectionRequest) -> ServerReflectionResponse {
        let answer = match &request.message_request {
            Some(question) => self.to(question),
            None => error(Code::InvalidArgument, "nothing was asked".to_owned()),
        };
        ServerReflectionResponse {
            valid_host: request.host.clone(),
            original_request: Some(request),
            message_response: Some(answer),
        }
    }

    fn to(&mut self, question: &Question) -> Answer {
        match question {
            Question::FileByFilename(name) => {
                let file = self.index.file(name);
                self.files(file, || format!("there is no file {name} here"))
            }
            Question::FileContainingSymbol(symbol) => {
                let file = self.index.declaring(symbol.trim_start_matches('.'));
                self.files(file, || format!("there is no symbol {symbol} here"))
            }
            Question::FileContainingExtension(extension) => {
                let (message, number) = (&extension.containing_type, extension.extension_number);
                let file = self.index.extending(message.clone(), number);
                self.files(file, || format!("there is no extension {number} of {message} here"))
            }
            Question::AllExtensionNumbersOfType(message) => match self.index.extensions(message) {
                Some(extension_number) => Answer::AllExtensionNumbersResponse(ExtensionNumberResponse {
                    base_type_name: message.clone(),
                    extension_number,
                }),
                None => error(Code::NotFound, format!("there is no message {message} here")),
            },
            Question::ListServices(_) => {
                let named = |name: &String| ServiceResponse { name: name.clone() };
                let service = self.index.services().iter().map(named).collect();
                Answer::ListServicesResponse(ListServiceResponse { service })
            }
        }
    }

    fn files(&mut self, file: Option<usize>, missing: impl FnOnce() -> String) -> Answer {
        match file {
            Some(file) => {
                let file_descriptor_proto = self.index.with_imports(file, &mut self.sent);
                Answer::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto })
            }
            None => error(Code::NotFound, missing()),
        }
    }
}

fn error(code: Code, error_message: String) -> Answer {
    Answer::ErrorResponse(ErrorResponse { error_code: code as i32, error_message })
}

#[cfg(test)]
mod tests;
