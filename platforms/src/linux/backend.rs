//! The back-end for real boards: the traits of [`crate::hardware`] over what Linux shows.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use ubmc_core::{
    board::Board,
    ids::{FanId, LedId, SensorId, SignalId},
    leds::Pattern,
    units::{Duty, Level},
};

use super::{
    bus::{Group, LinuxBus},
    gpio::{Lines, Wanted, Watch},
    hwmon::{
        Device,
        channel::Channel,
        limits::{self, HwmonLimits},
        pwm::Pwm,
    },
    led::LedClass,
    regulators::Regulators,
    smbus::{Turn, Turns},
};
use crate::{
    board::{Bindings, FanBinding, LedBinding, SensorBinding, SignalBinding},
    hardware::{Backend, Fans, HardwareError, Leds, LineDriver, LineWatcher, OpenError, PowerDevices, SensorBus},
};

/// The way to a real board.
pub(crate) struct LinuxBackend {
    sysfs: PathBuf,
    bindings: Bindings,
    groups: BTreeMap<Group, Vec<SensorId>>,
    leds: Arc<Vec<String>>,
    lines: Arc<Lines>,
    /// On the I²C buses that we talk to ourselves.
    turns: Turns,
}

impl LinuxBackend {
    /// # Errors
    /// A row is bound to hardware of another platform.
    pub(crate) fn new(board: &Board, bindings: &Bindings, sysfs: PathBuf) -> Result<Self, OpenError> {
        let elsewhere = |row: &ubmc_core::ids::Name| OpenError::Elsewhere { row: row.to_string() };
        let mut groups: BTreeMap<Group, Vec<SensorId>> = BTreeMap::new();
        for (index, (spec, binding)) in board.sensors.iter().zip(&bindings.sensors).enumerate() {
            match (binding, Group::of(binding)) {
                (SensorBinding::Sim { .. }, _) => return Err(elsewhere(&spec.name)),
                (_, Some(group)) => groups.entry(group).or_default().push(SensorId::new(index)),
                (_, None) => {}
            }
        }
        let mut lines = Vec::new();
        for (spec, binding) in board.signals.iter().zip(&bindings.signals) {
            let SignalBinding::Gpio { line, chip, active_low, bias } = binding else {
                return Err(elsewhere(&spec.name));
            };
            let (line, chip) = (line.clone(), chip.clone());
            lines.push(Wanted { line, chip, active_low: *active_low, bias: *bias, direction: spec.direction });
        }
        let mut leds = Vec::new();
        for (spec, binding) in board.leds.iter().zip(&bindings.leds) {
            let LedBinding::Sysfs { led } = binding else { return Err(elsewhere(&spec.name)) };
            leds.push(led.clone());
        }
        for (spec, binding) in board.fans.iter().zip(&bindings.fans) {
            let FanBinding::Hwmon { .. } = binding else { return Err(elsewhere(&spec.name)) };
        }
        Ok(Self {
            bindings: bindings.clone(),
            turns: Turns::default(),
            sysfs,
            groups,
            leds: Arc::new(leds),
            lines: Arc::new(Lines::new(lines)),
        })
    }
}

impl Backend for LinuxBackend {
    fn sensor_buses(&self) -> Vec<Box<dyn SensorBus>> {
        let bus = |(group, ids): (&Group, &Vec<SensorId>)| {
            let sensors = ids.iter().filter_map(|id| Some((*id, self.bindings.sensors.get(id.index())?)));
            let turn = match group {
                Group::I2c(bus) => self.turns.of(*bus),
                Group::Device(_) => Turn::default(),
            };
            Box::new(LinuxBus::new(&self.sysfs, group, sensors, &turn)) as Box<dyn SensorBus>
        };
        self.groups.iter().map(bus).collect()
    }

    fn fans(&self) -> Box<dyn Fans> {
        let pwm = |binding: &FanBinding| match binding {
            FanBinding::Hwmon { device, channel } => Some(Pwm::new(Device::new(&self.sysfs, device.clone()), channel)),
            FanBinding::Sim { .. } => None,
        };
        Box::new(Outputs(self.bindings.fans.iter().map(pwm).collect()))
    }

    fn line_driver(&self) -> Box<dyn LineDriver> {
        Box::new(Driver(Arc::clone(&self.lines)))
    }

    fn power_devices(&self) -> Box<dyn PowerDevices> {
        Box::new(Regulators::new(self.sysfs.clone(), &self.bindings, self.turns.clone()))
    }

    fn line_watcher(&self) -> Box<dyn LineWatcher> {
        Box::new(Watcher(Watch::new(Arc::clone(&self.lines))))
    }

    fn leds(&self) -> Box<dyn Leds> {
        Box::new(Lamps { class: LedClass::new(&self.sysfs), names: Arc::clone(&self.leds) })
    }

    fn limits(&self, sensor: SensorId) -> Option<Result<HwmonLimits, HardwareError>> {
        match self.bindings.sensors.get(sensor.index())? {
            SensorBinding::Hwmon { device, channel } => {
                let mut device = Device::new(&self.sysfs, device.clone());
                Some(limits::read(&mut device, &mut Channel::new(channel)).map_err(Into::into))
            }
            SensorBinding::Sim { .. }
            | SensorBinding::Iio { .. }
            | SensorBinding::Pmbus { .. }
            | SensorBinding::Derived => None,
        }
    }
}

struct Outputs(Vec<Option<Pwm>>);

impl Fans for Outputs {
    fn set_duty(&mut self, fan: FanId, duty: Duty) -> Result<(), HardwareError> {
        let unbound = || HardwareError::Unbound(format!("fan {}", fan.index()));
        let pwm = self.0.get_mut(fan.index()).and_then(Option::as_mut).ok_or_else(unbound)?;
        Ok(pwm.set(duty)?)
    }
}

struct Driver(Arc<Lines>);

impl LineDriver for Driver {
    fn set(&mut self, line: SignalId, level: Level) -> Result<(), HardwareError> {
        if self.0.drive(line, level)? { Ok(()) } else { Err(HardwareError::Unbound(format!("line {}", line.index()))) }
    }
}

struct Watcher(Watch);

impl LineWatcher for Watcher {
    fn read_all(&mut self) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError> {
        Ok(self.0.read_all())
    }

    fn edges(&mut self, timeout: Duration) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError> {
        Ok(self.0.changes(timeout)?)
    }
}

struct Lamps {
    class: LedClass,
    names: Arc<Vec<String>>,
}

impl Leds for Lamps {
    fn set(&mut self, led: LedId, pattern: Pattern) -> Result<(), HardwareError> {
        let unbound = || HardwareError::Unbound(format!("LED {}", led.index()));
        let name = self.names.get(led.index()).ok_or_else(unbound)?;
        Ok(self.class.set(name, pattern)?)
    }
}
