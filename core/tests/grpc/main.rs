//! gRPC through its seam: a client and a server back to back, with time passed by hand.

mod bare;
mod batches;
mod calls;
mod credit;
mod crowd;
mod held;
mod operations;
mod pair;
mod properties;
mod replayed;
mod requests;
mod responses;
