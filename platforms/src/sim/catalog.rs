//! Everything a simulated machine has, by name: what a board file may bind its sensors, lines and fans to.

use ubmc_core::{power::Direction, sensors::SensorKind};

use super::{Bus, Line, Quantity, SimConfig};

/// Everything a simulated machine has. Also takes LEDs, under any name of up to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// For sensors.
    pub quantities: Vec<QuantityEntry>,
    /// For signals.
    pub lines: Vec<LineEntry>,
    /// Names that take a duty.
    pub fans: Vec<String>,
}

/// One thing that can be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityEntry {
    /// e.g. `host.0.cpu_temp`.
    pub name: String,
    /// What [`Quantity::find`] makes of the name.
    pub quantity: Quantity,
    /// What it is.
    pub kind: SensorKind,
    /// e.g. `°C`.
    pub unit: &'static str,
    /// What its sensor hangs on.
    pub bus: Bus,
}

/// One signal line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineEntry {
    /// e.g. `host.0.power_good`.
    pub name: String,
    /// What [`Line::find`] makes of the name.
    pub line: Line,
    /// Who drives it.
    pub direction: Direction,
}

/// Everything the machine of that configuration has.
pub fn catalog(config: &SimConfig) -> Catalog {
    Catalog {
        quantities: Quantity::all(config)
            .map(|quantity| QuantityEntry {
                name: quantity.to_string(),
                quantity,
                kind: quantity.kind(),
                unit: quantity.kind().unit(),
                bus: quantity.bus(),
            })
            .collect(),
        lines: Line::all(config)
            .map(|line| LineEntry { name: line.to_string(), line, direction: line.direction() })
            .collect(),
        fans: (0..config.fans.count).map(|fan| format!("fan.{fan}")).collect(),
    }
}
