//! TLS for channels and servers, by `rustls`: one more machine without I/O between a byte stream and the core, so that every
//! runtime has it.
//!
//! RFC 9113 §9.2: TLS 1.2 at least, no renegotiation, and ALPN says exactly `h2` or the connection is refused.
//!
//! ```
//! use unwired::tls::{ClientTls, ServerTls};
//! # use unwired::tls::TlsError;
//! # fn configure(certificate: &[u8], key: &[u8], ca: &[u8]) -> Result<(), TlsError> {
//! let tls = ServerTls::from_pem(certificate, key)?;
//! let server = unwired::Server::builder().tls(tls.clone());
//! // Later, without a restart:
//! tls.replace(certificate, key)?;
//!
//! let tls = ClientTls::with_roots(ca)?.server_name("greeter.example");
//! # Ok(())
//! # }
//! ```

mod client;
mod error;
mod pem;
mod server;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

pub use client::ClientTls;
pub(crate) use client::Connector;
pub use error::TlsError;
pub use server::ServerTls;
pub(crate) use stream::TlsStream;

/// RFC 9113 §3.2: HTTP/2 over TLS.
const ALPN: &[u8] = b"h2";

/// Not the process's default: a program may have none, or another library's.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
