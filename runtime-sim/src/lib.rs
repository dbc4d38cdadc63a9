//! [`unwired`] in simulated time, on a simulated network.
//!
//! A [`Sim`] holds hosts with names, the network between them, and the time. Servers and channels of the ordinary generated
//! code run in it unchanged. Everything in it is a value that a seed decides: the order of tasks, every delay, every torn
//! write and every fault. So an hour of deadlines and retries takes milliseconds, and a seed that fails fails again.

mod agenda;
mod check;
mod host;
mod log;
mod network;
mod random;
mod sim;
mod tasks;
mod timer;
mod world;

pub use check::{check, seeds};
pub use host::{Crashed, Host, JoinHandle, SimRuntime};
pub use network::{Faults, Link, SimListener, SimSocket};
pub use random::Random;
pub use sim::Sim;
pub use timer::SimTimer;
