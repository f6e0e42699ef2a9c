//! Board files, service registries and machine definitions: reads them, checks them, and makes one
//! [`ubmc_core::board::Board`] of them, or says everything that is wrong with them at once.
//!
//! ```text
//! TOML, JSON ──tree──▶ Node (value + place) ──table──▶ typed values ──sections──▶ specs ──checks──▶ Board + Bindings
//!                                   └────────────── every problem ──────────────▶ Diagnostics
//! ```
//!
//! | file | idea |
//! |---|---|
//! | `load`, `sections` | puts the files of a load together; the sections of a board file |
//! | `source`, `diagnostic`, `render` | texts and places; problems; how they are shown |
//! | `mend` | leaves syntax errors out, so that the rest of a file is read |
//! | `tree`, `table`, `quantity` | values with places; typed access that notes problems; times, sizes, variables |
//! | `schema` | every key there is |
//! | `names`, `order` | what is declared, so that references resolve; what needs what |
//! | `lines`, `sensors`, `thermal` (`controllers`), `machines`, `services/` | one section of the board file each |
//! | `definition`, `definition_check` | state machines as files |
//! | `never`, `verification` | what machines must never do; everything that they can do, tried |
//! | `bindings`, `sources`, `devices` | which hardware stands behind each row; how that is written |
//! | `claims`, `channels` | each piece of hardware has one owner; what a channel measures |
//! | `resources` | who owns what, for people |
//! | `simulation` | what the simulated hardware is |
//! | `shipped` | boards and definitions inside the program |
//!
//! Invariants: only `tree` and `mend` know TOML and JSON; only `render` knows how problems look; nothing here panics, whatever
//! a file contains; a [`Loaded`] board has no dangling name.

mod bindings;
mod channels;
mod claims;
mod controllers;
mod definition;
mod definition_check;
mod devices;
mod diagnostic;
mod lines;
mod load;
mod machines;
mod mend;
mod names;
mod never;
mod order;
mod power;
mod quantity;
mod render;
mod resources;
pub mod schema;
mod sections;
mod sensors;
mod services;
pub mod shipped;
mod simulation;
mod source;
mod sources;
mod table;
mod thermal;
mod tree;
mod verification;

pub use bindings::{
    Bias, Bindings, FanBinding, HwmonDevice, LedBinding, PmbusDevice, PmbusFormat, RailBinding, SensorBinding,
    SignalBinding, WatchdogBinding,
};
pub use diagnostic::{Diagnostic, Diagnostics, Related, Severity};
pub use load::{LoadOptions, Loaded, load};
pub use resources::{Resource, ResourceKind, resources};
pub use source::NameOrFile;
