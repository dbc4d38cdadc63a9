//! HTTP/2 through its seam: two connections back to back, or one against hand-made frames, with time passed by hand.

mod data;
mod exchange;
mod floods;
mod flow;
mod framing;
mod goaway;
mod headers;
mod lifetime;
mod messages;
mod model;
mod operations;
mod pair;
mod ping;
mod preface;
mod priority;
mod properties;
mod push;
mod raw;
mod reset;
mod scenarios;
mod settings;
mod sim;
mod stalls;
mod states;
