//! The boards that ubmcd is measured on: the shipped one, and what is left of it when parts are taken away.

use toml::{Table, Value};

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
}

impl Board {
    /// As a board file.
    pub fn file(self) -> Result<String, Failure> {
        let mut board: Table = match self {
            Self::Full { port } => return Ok(SHIPPED.replace(SHIPPED_PORT, &port.to_string())),
            Self::Quiet | Self::WithoutHardware => SHIPPED.parse()?,
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
        Ok(board.to_string())
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
    }
}
