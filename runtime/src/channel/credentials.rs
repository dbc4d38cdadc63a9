use core::any::type_name;
use core::fmt;
use std::sync::Arc;

use super::client_channel::ClientChannel;
use super::target::Target;
use crate::transport::{Address, BoxFuture};
use crate::{Code, Metadata, Request, Status};

/// What a client shows with each call to say who it is: a token, most often, that has to be fetched now and then.
///
/// ```
/// use unwired::channel::{CallCredentials, CallTarget};
/// use unwired::{Channel, Metadata, Status};
///
/// struct Token(String);
///
/// impl CallCredentials for Token {
///     async fn metadata(&self, _: CallTarget) -> Result<Metadata, Status> {
///         let mut metadata = Metadata::new();
///         metadata.insert_secret("authorization", format!("Bearer {}", self.0))?;
///         Ok(metadata)
///     }
/// }
///
/// fn with_token(channel: &Channel) -> Channel {
///     channel.with_call_credentials(Token("1234".to_owned()))
/// }
/// ```
///
/// They go over TLS, sockets in the file system and connections in memory. Over TCP without TLS anybody on the way could
/// read them, on this host too: calls are not made then, and fail with UNAUTHENTICATED, unless the credentials stand in
/// [`AllowPlaintext`].
pub trait CallCredentials: Send + Sync + 'static {
    /// What is sent with a call besides its own metadata. Asked once for each call, behind the interceptors and within its
    /// deadline; attempts of one call have the same.
    ///
    /// # Errors
    ///
    /// The status of the call. Codes that only servers give (INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS,
    /// FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, DATA_LOSS) become INTERNAL (gRFC A54).
    fn metadata(&self, call: CallTarget) -> impl Future<Output = Result<Metadata, Status>> + Send;

    /// Whether they may go where anybody can read them.
    fn allows_plaintext(&self) -> bool {
        false
    }
}

/// Credentials that may go over TCP without TLS: in a network that is trusted, or where a proxy on this host does TLS.
#[derive(Clone, Copy, Debug)]
pub struct AllowPlaintext<C>(pub C);

impl<C: CallCredentials> CallCredentials for AllowPlaintext<C> {
    async fn metadata(&self, call: CallTarget) -> Result<Metadata, Status> {
        self.0.metadata(call).await
    }

    fn allows_plaintext(&self) -> bool {
        true
    }
}

/// For whom credentials are.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CallTarget {
    /// The service as a URL, `https://example.com/helloworld.Greeter`: what a token is made out to.
    pub service_url: String,
    /// The name of the method: `SayHello`.
    pub method: &'static str,
}

impl CallTarget {
    pub(super) fn new(channel: &ClientChannel, path: &'static str) -> Self {
        let (service, method) = path.rsplit_once('/').unwrap_or((path, ""));
        let (scheme, authority) = (channel.options.scheme, &*channel.options.authority);
        // As everywhere in gRPC: the port that goes without saying is left out.
        let authority = authority.strip_suffix(":443").filter(|_| scheme == "https").unwrap_or(authority);
        Self { service_url: format!("{scheme}://{authority}{service}"), method }
    }
}

/// [`CallCredentials`] without their type.
trait Erased: Send + Sync {
    fn metadata(&self, call: CallTarget) -> BoxFuture<'_, Result<Metadata, Status>>;
    fn allows_plaintext(&self) -> bool;
    fn name(&self) -> &'static str;
}

impl<C: CallCredentials> Erased for C {
    fn metadata(&self, call: CallTarget) -> BoxFuture<'_, Result<Metadata, Status>> {
        Box::pin(CallCredentials::metadata(self, call))
    }

    fn allows_plaintext(&self) -> bool {
        CallCredentials::allows_plaintext(self)
    }

    fn name(&self) -> &'static str {
        type_name::<C>()
    }
}

/// The credentials of a channel, or of one call.
#[derive(Clone, Default)]
pub(crate) struct Credentials(Option<Arc<[Arc<dyn Erased>]>>);

impl Credentials {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// These, and `credentials` too.
    #[must_use]
    pub(crate) fn and(&self, credentials: impl CallCredentials) -> Self {
        let there = self.0.iter().flat_map(|there| there.iter().cloned());
        Self(Some(there.chain([Arc::new(credentials) as Arc<dyn Erased>]).collect()))
    }

    /// Adds them to the metadata of a call.
    pub(super) async fn add_to(
        &self,
        request: &mut Request<()>,
        channel: &ClientChannel,
        path: &'static str,
    ) -> Result<(), Status> {
        for credentials in self.0.iter().flat_map(|there| there.iter()) {
            if !credentials.allows_plaintext() && !channel.keeps_secrets() {
                let (target, name) = (&channel.target, credentials.name());
                return Err(Status::unauthenticated(format!(
                    "the connection to {target} is not encrypted, so that anybody could read the credentials of this call: \
                     use https://, or wrap {name} in AllowPlaintext where that is no harm"
                )));
            }
            let shown = credentials.metadata(CallTarget::new(channel, path)).await.map_err(of_this_side)?;
            request.metadata_mut().merge(&shown);
        }
        Ok(())
    }
}

/// gRFC A54: what an application takes for the word of its server must not come from here.
fn of_this_side(status: Status) -> Status {
    match status.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::DataLoss => {
            Status::internal(format!("the credentials of the call failed: {status}")).caused_by(status)
        }
        _ => status,
    }
}

impl ClientChannel {
    /// Whether nobody else can read what goes over its connections.
    fn keeps_secrets(&self) -> bool {
        #[cfg(feature = "mount")]
        if self.over.is_some() {
            // Where that connects to is not ours to know.
            return self.options.scheme == "https";
        }
        match &self.target {
            Target::Memory(_) => true,
            #[cfg(unix)]
            Target::Address(Address::Unix(_)) => true,
            _ => self.options.scheme == "https",
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().flat_map(|there| there.iter()).map(|one| one.name())).finish()
    }
}
