//! How bytes travel between ubmcd and its clients.

mod address;
mod connect;

pub use address::{Address, AddressError, default_socket};
pub use connect::{ConnectError, connect};
