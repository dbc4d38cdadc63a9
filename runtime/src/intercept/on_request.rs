use core::fmt;

use super::{CallInfo, Interceptor, Messages, Next};
use crate::{Request, Response, Status};

/// An interceptor that does not wait: `f` looks at each request, changes it, or refuses it by an error.
pub const fn on_request<F>(f: F) -> OnRequest<F>
where
    F: Fn(&mut Request<Messages>, &CallInfo<'_>) -> Result<(), Status> + Send + Sync + 'static,
{
    OnRequest(f)
}

/// The interceptor of [`on_request`].
#[derive(Clone, Copy)]
pub struct OnRequest<F>(F);

impl<F> Interceptor for OnRequest<F>
where
    F: Fn(&mut Request<Messages>, &CallInfo<'_>) -> Result<(), Status> + Send + Sync + 'static,
{
    async fn intercept(
        &self,
        mut request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        (self.0)(&mut request, next.call())?;
        next.run(request).await
    }
}

impl<F> fmt::Debug for OnRequest<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRequest")
    }
}
