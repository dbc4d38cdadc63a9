//! HTTP/2 through its seam: two connections back to back, or one against hand-made frames, with time passed by hand.

mod exchange;
mod pair;
