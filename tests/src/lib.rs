//! What the black-box tests and the simulation share.

pub mod world;
