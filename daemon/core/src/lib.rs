//! The core of ubmc: domain vocabulary and all decisions, as one plain, synchronous, deterministic value.

pub mod board;
pub mod effect;
pub mod event;
pub mod ids;
pub mod input;
pub mod leds;
pub mod machines;
pub mod power;
pub mod refusal;
pub mod sensors;
pub mod services;
pub mod thermal;
pub mod time;
pub mod units;
pub mod view;
