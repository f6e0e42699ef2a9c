//! The terminal: what it can do, how large it is, what is typed on it, and what is written to it.
//!
//! - [`caps`]: colours, characters and line speed, from the environment and the device;
//! - [`size`]: of the screen, also on lines that know none;
//! - [`keys`]: from bytes to keys, with a lone ESC held until it is sure to be one; [`input`] reads them;
//! - [`screen`]: what the terminal shows, and the fewest bytes that make it show something else;
//! - [`pace`]: how many bytes the line takes now;
//! - [`writer`]: writes without ever holding up the loop;
//! - [`guard`]: raw mode in, and out again on every way that a program can end.

pub mod caps;
pub mod guard;
pub mod input;
pub mod keys;
pub mod pace;
pub mod screen;
pub mod size;
pub mod writer;
