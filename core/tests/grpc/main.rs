//! gRPC through its seam: a client and a server back to back, with time passed by hand.

mod calls;
mod pair;
