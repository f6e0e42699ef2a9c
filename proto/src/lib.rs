//! Everything on the wire of ubmc: the messages and services of package `ubmc.v1`, the descriptor set that reflection
//! serves, and the transports that both sides speak.
//!
//! Code map:
//! - [`v1`]: generated from `proto/ubmc/v1/*.proto`, where every field is documented;
//! - [`DESCRIPTORS`]: the same as an encoded `FileDescriptorSet`;
//! - [`transport`]: addresses as people write them, and how a client connects to one.
//!
//! What this crate does not know: the daemon's domain types, and how anything is shown.

pub mod transport;

/// Package `ubmc.v1`, generated.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("ubmc.v1");
}

/// The encoded `google.protobuf.FileDescriptorSet` of `ubmc.v1` and what it imports.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
