//! LEDs.

use serde::Serialize;
use ubmc_proto::v1;

use super::{present, word};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Led {
    pub name: String,
    pub role: String,
    pub pattern: String,
    pub reason: Option<String>,
    pub left_s: Option<f64>,
    pub held_by: Option<String>,
    pub error: Option<String>,
}

impl From<v1::Led> for Led {
    fn from(wire: v1::Led) -> Self {
        Self {
            name: wire.name,
            role: wire.role,
            pattern: word!(LedPattern, "LED_PATTERN_", wire.pattern),
            reason: present(wire.reason),
            left_s: wire.left_s,
            held_by: present(wire.held_by),
            error: present(wire.error),
        }
    }
}
