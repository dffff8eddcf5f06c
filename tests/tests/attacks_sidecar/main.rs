//! Attacks on the sidecar: the real `rekey serve`, a real mail server, and messages that the tests sign themselves, so that
//! nothing stands between an attack and what it attacks.

#[path = "../attacks_edge/bodies.rs"]
mod bodies;
mod bombs;
mod burning;
mod crash;
mod doors;
mod enumeration;
mod forgotten;
mod guesses;
mod once;
mod proofs;
mod signed;
mod silence;

use rekey_tests::house;
