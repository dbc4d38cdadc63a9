//! unwired on tokio.
