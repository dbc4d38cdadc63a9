//! Calls of all four kinds over sockets of tokio and in memory: what works, how calls end, what connections live through.

mod compression;
mod connections;
mod endings;
mod kinds;
mod load;
mod retry;
mod service;
mod spawning;
