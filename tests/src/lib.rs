//! Tests of unwired across crates: pairs, properties, peers.
