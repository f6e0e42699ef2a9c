//! The simulated board behind the traits. Every handle has a connection of its own, so that none waits for another.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ubmc_core::{
    board::Board,
    ids::{FanId, LedId, RailId, SensorId, SignalId, SupplyId},
    input::Sample,
    leds::Pattern,
    units::{Duty, Level},
};

use super::{Backend, Fans, HardwareError, Leds, LineDriver, LineWatcher, OpenError, PowerDevices, SensorBus};
use crate::{
    board::{Bindings, FanBinding, LedBinding, SensorBinding, SignalBinding},
    sim::{
        Bus, Line, Quantity, SimConfig,
        client::{ClientError, SimClient, Subscription},
        find_fan,
    },
};

/// How long a call may take. Real buses answer within milliseconds; a second leaves room for a loaded machine and is
/// less than a sensor's value takes to become stale.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The way to a simulated board.
pub(super) struct SimBackend {
    dir: PathBuf,
    /// By bus, with the names on the board.
    buses: BTreeMap<Bus, Vec<(SensorId, String)>>,
    names: Arc<Names>,
}

/// Names on the simulated board, by the board's ids.
struct Names {
    fans: Vec<String>,
    lines: Vec<String>,
    leds: Vec<String>,
    supplies: Vec<String>,
}

impl SimBackend {
    pub(super) fn new(board: &Board, bindings: &Bindings, dir: PathBuf, config: &SimConfig) -> Result<Self, OpenError> {
        let unknown =
            |row: &ubmc_core::ids::Name, name: &str| OpenError::Unknown { row: row.to_string(), name: name.to_owned() };
        let elsewhere = |row: &ubmc_core::ids::Name| OpenError::Elsewhere { row: row.to_string() };
        let mut buses: BTreeMap<Bus, Vec<(SensorId, String)>> = BTreeMap::new();
        for (index, (spec, binding)) in board.sensors.iter().zip(&bindings.sensors).enumerate() {
            match binding {
                SensorBinding::Sim { quantity: name } => {
                    let quantity = Quantity::find(name, config).map_err(|_| unknown(&spec.name, name))?;
                    buses.entry(quantity.bus()).or_default().push((SensorId::new(index), name.clone()));
                }
                SensorBinding::Derived => {}
                SensorBinding::Hwmon { .. } | SensorBinding::Iio { .. } | SensorBinding::Pmbus { .. } => {
                    return Err(elsewhere(&spec.name));
                }
            }
        }
        let mut names = Names { fans: Vec::new(), lines: Vec::new(), leds: Vec::new(), supplies: Vec::new() };
        for (spec, binding) in board.fans.iter().zip(&bindings.fans) {
            let FanBinding::Sim { fan } = binding else { return Err(elsewhere(&spec.name)) };
            find_fan(fan, config).map_err(|_| unknown(&spec.name, fan))?;
            names.fans.push(fan.clone());
        }
        for (spec, binding) in board.signals.iter().zip(&bindings.signals) {
            let SignalBinding::Sim { line } = binding else { return Err(elsewhere(&spec.name)) };
            // Edges come under the machine's own name for the line.
            let found = Line::find(line, config).map_err(|_| unknown(&spec.name, line))?;
            names.lines.push(found.to_string());
        }
        for (spec, binding) in board.leds.iter().zip(&bindings.leds) {
            let LedBinding::Sim { led } = binding else { return Err(elsewhere(&spec.name)) };
            names.leds.push(led.clone());
        }
        // Supplies have no binding there: they are known by the board's own names.
        names.supplies.extend(board.supplies.iter().map(|spec| spec.name.to_string()));
        Ok(Self { dir, buses, names: Arc::new(names) })
    }

    fn handle(&self) -> Handle {
        Handle { client: client(&self.dir), names: Arc::clone(&self.names) }
    }
}

fn client(dir: &Path) -> SimClient {
    SimClient::new(dir).with_timeout(TIMEOUT)
}

impl Backend for SimBackend {
    fn sensor_buses(&self) -> Vec<Box<dyn SensorBus>> {
        self.buses
            .iter()
            .map(|(bus, sensors)| {
                let ids = sensors.iter().map(|(id, _)| *id).collect();
                let names = sensors.iter().cloned().collect();
                Box::new(SimBus { name: bus.to_string(), ids, names, client: client(&self.dir) }) as Box<dyn SensorBus>
            })
            .collect()
    }

    fn fans(&self) -> Box<dyn Fans> {
        Box::new(self.handle())
    }

    fn line_driver(&self) -> Box<dyn LineDriver> {
        Box::new(self.handle())
    }

    fn power_devices(&self) -> Box<dyn PowerDevices> {
        Box::new(self.handle())
    }

    fn line_watcher(&self) -> Box<dyn LineWatcher> {
        Box::new(SimWatcher { dir: self.dir.clone(), names: Arc::clone(&self.names), subscription: None })
    }

    fn leds(&self) -> Box<dyn Leds> {
        Box::new(self.handle())
    }
}

struct SimBus {
    name: String,
    ids: Vec<SensorId>,
    names: BTreeMap<SensorId, String>,
    client: SimClient,
}

impl SensorBus for SimBus {
    fn name(&self) -> &str {
        &self.name
    }

    fn sensors(&self) -> &[SensorId] {
        &self.ids
    }

    fn read(&mut self, due: &[SensorId]) -> Vec<(SensorId, Sample)> {
        let (due, names): (Vec<_>, Vec<_>) =
            due.iter().filter_map(|id| self.names.get(id).map(|name| (*id, name.as_str()))).unzip();
        let samples = self.client.read(&names).unwrap_or_else(|error| {
            let text = match error {
                ClientError::Timeout(after) => {
                    format!("bus {} did not answer within {} ms", self.name, after.as_millis())
                }
                other => other.to_string(),
            };
            vec![Sample::Error(text); due.len()]
        });
        due.into_iter().zip(samples).collect()
    }
}

/// For everything that is only told something.
struct Handle {
    client: SimClient,
    names: Arc<Names>,
}

impl Fans for Handle {
    fn set_duty(&mut self, fan: FanId, duty: Duty) -> Result<(), HardwareError> {
        let name =
            self.names.fans.get(fan.index()).ok_or_else(|| HardwareError::Unbound(format!("fan {}", fan.index())))?;
        Ok(self.client.set_duty(name, duty)?)
    }
}

impl LineDriver for Handle {
    fn set(&mut self, line: SignalId, level: Level) -> Result<(), HardwareError> {
        let name = self
            .names
            .lines
            .get(line.index())
            .ok_or_else(|| HardwareError::Unbound(format!("line {}", line.index())))?;
        Ok(self.client.set_line(name, level)?)
    }
}

impl Leds for Handle {
    fn set(&mut self, led: LedId, pattern: Pattern) -> Result<(), HardwareError> {
        let name =
            self.names.leds.get(led.index()).ok_or_else(|| HardwareError::Unbound(format!("LED {}", led.index())))?;
        Ok(self.client.set_led(name, pattern)?)
    }
}

impl PowerDevices for Handle {
    fn set_rail(&mut self, rail: RailId, _: bool) -> Result<(), HardwareError> {
        // The simulated machine's rails are switched by lines.
        Err(HardwareError::Unbound(format!("rail {}", rail.index())))
    }

    fn capture_fault(&mut self, supply: SupplyId) -> Result<Vec<(String, u16)>, HardwareError> {
        let name = self.names.supplies.get(supply.index());
        let name = name.ok_or_else(|| HardwareError::Unbound(format!("supply {}", supply.index())))?;
        Ok(self.client.fault_registers(name)?)
    }
}

struct SimWatcher {
    dir: PathBuf,
    names: Arc<Names>,
    subscription: Option<Subscription>,
}

impl LineWatcher for SimWatcher {
    fn read_all(&mut self) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError> {
        self.subscription = None;
        let mut subscription = client(&self.dir).subscribe()?;
        let levels: BTreeMap<_, _> = subscription.next(TIMEOUT)?.into_iter().collect();
        self.subscription = Some(subscription);
        Ok((0..)
            .zip(&self.names.lines)
            .map(|(index, name)| (SignalId::new(index), levels.get(name).copied()))
            .collect())
    }

    fn edges(&mut self, timeout: Duration) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError> {
        let Some(subscription) = &mut self.subscription else {
            return Err(ClientError::NotRunning(self.dir.clone()).into());
        };
        let edges = subscription.next(timeout).inspect_err(|_| self.subscription = None)?;
        Ok(edges
            .into_iter()
            .filter_map(|(name, level)| {
                self.names.lines.iter().position(|line| *line == name).map(|index| (SignalId::new(index), Some(level)))
            })
            .collect())
    }
}
