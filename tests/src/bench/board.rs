//! The boards that ubmcd is measured on: the shipped one, and what is left of it when parts are taken away.

use toml::{Table, Value};
use ubmc_platforms::sim::SimConfig;

use super::Failure;

const SHIPPED: &str = include_str!("../../../platforms/boards/sim-2u.toml");
/// The shipped web interface listens here; several daemons at a time need different ones.
const SHIPPED_PORT: &str = "18080";

/// A board to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// `sim-2u` with all its processes, its web interface on this port.
    Full {
        /// Free one.
        port: u16,
    },
    /// `sim-2u` with its built-in services only: hardware, sampled as ever, and no process.
    Quiet,
    /// The built-in services that need no hardware, and none: nothing is sampled.
    WithoutHardware,
    /// As `Quiet`, but every fan follows the air at the front at once, by [`QUICK_CURVE`], and that is read twenty times a
    /// second: each reading asks for a duty.
    Quick,
}

/// Sensor that [`Board::Quick`] cools by.
pub const QUICK_SENSOR: &str = "inlet_temp";
/// Its curve: °C, and the duty in percent.
pub const QUICK_CURVE: [(f64, f64); 2] = [(20.0, 25.0), (40.0, 65.0)];
const QUICK_INTERVAL_S: f64 = 0.05;

impl Board {
    /// As a board file.
    pub fn file(self) -> Result<String, Failure> {
        let mut board: Table = match self {
            Self::Full { port } => return Ok(SHIPPED.replace(SHIPPED_PORT, &port.to_string())),
            Self::Quiet | Self::WithoutHardware | Self::Quick => SHIPPED.parse()?,
        };
        if let Some(Value::Table(services)) = board.get_mut("services") {
            services.retain(|_, service| {
                let mode = service.get("deployment").and_then(|deployment| deployment.get("mode"));
                mode.and_then(Value::as_str) == Some("builtin")
            });
        }
        if self == Self::WithoutHardware {
            board.retain(|key, _| matches!(key, "board" | "policy" | "machines" | "services"));
            if let Some(Value::Table(services)) = board.get_mut("services") {
                services.retain(|name, _| matches!(name, "journal" | "inventory" | "api"));
                services.iter_mut().filter_map(|(_, service)| service.as_table_mut()).for_each(|service| {
                    service.remove("wants");
                });
            }
            if let Some(Value::Table(machines)) = board.get_mut("machines") {
                machines.retain(|name, _| name == "bmc");
            }
        }
        if self == Self::Quick {
            quicken(&mut board);
        }
        Ok(board.to_string())
    }

    /// The simulated machine that it is on.
    pub fn machine(self) -> Result<SimConfig, Failure> {
        let board: Table = self.file()?.parse()?;
        let machine = board.get("sim").cloned().unwrap_or_else(|| Value::Table(Table::new()));
        Ok(machine.try_into()?)
    }
}

/// See [`Board::Quick`].
fn quicken(board: &mut Table) {
    let table = |value: Option<&mut Value>, change: &dyn Fn(&mut Table)| {
        if let Some(Value::Table(table)) = value {
            change(table);
        }
    };
    table(board.get_mut("sensors"), &|sensors| {
        table(sensors.get_mut(QUICK_SENSOR), &|sensor| {
            sensor.insert("interval".to_owned(), Value::Float(QUICK_INTERVAL_S));
            // A machine that is busy elsewhere for a moment has not lost its sensor.
            sensor.insert("stale_after".to_owned(), Value::Float(3.0));
        });
    });
    let points = QUICK_CURVE.map(|(celsius, duty)| Value::from(vec![celsius, duty]));
    let mut curve = Table::new();
    curve.insert("name".to_owned(), Value::from("air"));
    curve.insert("sensors".to_owned(), Value::from(vec![QUICK_SENSOR]));
    curve.insert("points".to_owned(), Value::Array(points.into()));
    if let Some(Value::Table(zones)) = board.get_mut("zones") {
        for (_, zone) in zones.iter_mut() {
            table(Some(zone), &|zone| {
                zone.insert("controllers".to_owned(), Value::Array(vec![Value::Table(curve.clone())]));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_of_the_board_is_left_step_by_step() {
        let check = |board: Board, services: usize, sensors: usize| {
            let table: Table = board.file().unwrap().parse().unwrap();
            let count = |key| table.get(key).and_then(Value::as_table).map_or(0, Table::len);
            assert_eq!((count("services"), count("sensors")), (services, sensors), "{board:?}");
        };
        check(Board::Full { port: 1 }, 15, 30);
        check(Board::Quiet, 8, 30);
        check(Board::WithoutHardware, 3, 0);
        check(Board::Quick, 8, 30);
    }

    #[test]
    fn quick_fans_follow_the_air_and_nothing_else() {
        let table: Table = Board::Quick.file().unwrap().parse().unwrap();
        for (name, zone) in table["zones"].as_table().unwrap() {
            let controllers = zone["controllers"].as_array().unwrap();
            let sensors: Vec<_> = controllers.iter().map(|controller| controller["sensors"][0].as_str()).collect();
            assert_eq!(sensors, [Some(QUICK_SENSOR)], "{name}");
        }
        assert_eq!(Board::Quick.machine().unwrap(), Board::Quiet.machine().unwrap());
    }
}
