//! IBM's Rainier as QEMU emulates it, seen from outside of the board: what a bench around it would do.
//!
//! - [`emulator`]: the machine itself, its serial lines and its control sockets;
//! - [`qmp`]: QEMU's control protocol; [`places`]: which of its objects is which chip and which line of the board;
//! - [`supply`]: plays the power supply, which answers `power-chassis-control` with `power-chassis-good`;
//! - [`bench`]: all of that together: temperatures, presence, supply, as a person or a test asks for them;
//! - [`remote`]: the same for other processes, over a socket; [`attach`]: a person's terminal on a serial line;
//! - [`rig`]: a board with ubmcd on it in the hands of a test;
//! - [`agent`]: runs commands on the board, over a serial line of its own;
//! - [`edges`]: every change that the board itself made on a line, from the emulator's record.
//!
//! Nothing here knows ubmcd: the board is a machine, and what runs on it is the image's business.

pub mod agent;
pub mod attach;
pub mod bench;
pub mod edges;
pub mod emulator;
pub mod places;
pub mod qmp;
pub mod remote;
pub mod rig;
pub mod supply;
