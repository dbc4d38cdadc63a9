//! The example services of unwired, written once for every runtime.
//!
//! Nothing here names a runtime: the programs under `runtime-*/examples` read their [`options`], bind or connect with their own
//! adapter, and leave the rest to this crate.
//!
//! * [`greeter`]: two unary methods, the "hello, world" of gRPC;
//! * [`route_guide`]: one method of each of the four kinds, over a database of named places;
//! * [`tour`]: all six methods of both, called and shown.

pub mod greeter;
pub mod options;
pub mod route_guide;
pub mod tour;
