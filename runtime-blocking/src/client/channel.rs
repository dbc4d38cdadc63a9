use std::fmt;

use unwired::Status;

use crate::Blocking;
use crate::wait::{Flush, Wait};

/// Calls to one server, over a connection that is made when it is needed and made again when it is lost.
///
/// A channel is cheap to clone; clones share the connection, and several threads may use them at once. It has no thread: the
/// threads that wait for calls do its work.
#[derive(Clone)]
pub struct Channel {
    inner: unwired::Channel,
    pub(crate) runtime: Blocking,
    _flush: Flush,
}

impl Channel {
    /// A channel that lives on `runtime`.
    pub(crate) fn new(inner: unwired::Channel, runtime: Blocking) -> Self {
        Self { inner, _flush: Flush(Wait::Drive(runtime.clone())), runtime }
    }

    /// Waits until there is a connection.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE, with what was tried and why it failed.
    pub fn ready(&self) -> Result<(), Status> {
        self.runtime.block_on(self.inner.ready())
    }

    /// The same channel with what `change` sets: interceptors or credentials for one client among several. This one stays as
    /// it is.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&unwired::Channel) -> unwired::Channel) -> Self {
        Self { inner: change(&self.inner), ..self.clone() }
    }

    /// The same channel for async code, as a library may ask for; [`Blocking::block_on`] waits for what that does.
    pub const fn as_async(&self) -> &unwired::Channel {
        &self.inner
    }

    /// What the channel lives on.
    pub const fn runtime(&self) -> &Blocking {
        &self.runtime
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Makes a [`Channel`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    inner: unwired::channel::Builder,
    runtime: Blocking,
}

impl Builder {
    pub(crate) fn new(runtime: Blocking, target: &str) -> Result<Self, Status> {
        let inner = unwired::Channel::builder(runtime.handle(), target.parse()?);
        Ok(Self { inner, runtime })
    }

    /// Changes settings, which are those of every channel.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let channel = unwired_blocking::channel("http://localhost:50051")?
    ///     .with(|settings| settings.timeout(Duration::from_secs(5)).user_agent("example/1.0"))
    ///     .connect_lazy();
    /// # Ok::<_, unwired::Status>(())
    /// ```
    pub fn with(self, change: impl FnOnce(unwired::channel::Builder) -> unwired::channel::Builder) -> Self {
        Self { inner: change(self.inner), ..self }
    }

    /// As [`with`](Self::with), for settings that have to be got first: certificates from files, say.
    ///
    /// # Errors
    ///
    /// Those of `change`.
    pub fn try_with<E>(
        self,
        change: impl FnOnce(unwired::channel::Builder) -> Result<unwired::channel::Builder, E>,
    ) -> Result<Self, E> {
        Ok(Self { inner: change(self.inner)?, ..self })
    }

    /// The channel. It connects with its first call.
    pub fn connect_lazy(self) -> Channel {
        Channel::new(self.inner.connect_lazy(), self.runtime)
    }

    /// The channel, once it is connected.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE, with what was tried and why it failed.
    pub fn connect(self) -> Result<Channel, Status> {
        let channel = self.connect_lazy();
        channel.ready()?;
        Ok(channel)
    }
}
