//! The example services of unwired, written once for every runtime.
//!
//! Nothing here names a runtime: the programs under `runtime-*/examples` read their [`options`], bind or connect with their own
//! adapter, serve until they are asked to [`stop`](stop()), and leave the rest to this crate.
//!
//! * [`greeter`]: two unary methods, the "hello, world" of gRPC;
//! * [`token`]: interceptors on both sides, which show a token and check it;
//! * [`route_guide`]: one method of each of the four kinds, over a database of named places;
//! * [`tour`]: all six methods of both, called and shown.
//!
//! And the services of well-known tutorials, each of them small enough to copy:
//!
//! * [`displacement`]: distances in a plane, with methods whose names begin with small letters;
//! * [`hello_service`]: greetings in all four kinds of method, in no package;
//! * [`inventory`]: a store whose every refusal has its own status;
//! * [`feed`]: a client that sends a request for each line of a text, and does not give up easily.

pub mod displacement;
pub mod feed;
pub mod greeter;
pub mod hello_service;
pub mod inventory;
pub mod options;
pub mod route_guide;
mod stop;
pub mod token;
pub mod tour;

pub use stop::{on_stop, stop};
