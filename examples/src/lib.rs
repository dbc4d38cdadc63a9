//! The example services of unwired, written once for every runtime.
