//! Sensors that share a bus, or a device: what hangs there holds these up, and no others.

use std::{collections::BTreeMap, path::Path};

use ubmc_core::{ids::SensorId, input::Sample};

use super::{
    hwmon::{Device, channel::Channel},
    iio::Iio,
    pmbus::Register,
    smbus::Turn,
};
use crate::{
    board::{HwmonDevice, SensorBinding},
    hardware::SensorBus,
};

/// What a group of sensors has in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// An I²C bus by its number.
    I2c(u32),
    /// A device of another bus, or one that is known by name alone.
    Device(String),
}

impl Group {
    /// None: the sensor has no hardware of ours.
    pub(super) fn of(binding: &SensorBinding) -> Option<Self> {
        match binding {
            SensorBinding::Hwmon { device, .. } => Some(Self::of_hwmon(device)),
            SensorBinding::Iio { device, .. } => Some(Self::at(device)),
            SensorBinding::Pmbus { device, .. } => Some(Self::I2c(device.bus)),
            SensorBinding::Sim { .. } | SensorBinding::Derived => None,
        }
    }

    fn of_hwmon(device: &HwmonDevice) -> Self {
        match (&device.path, &device.name) {
            (Some(path), _) => Self::at(path),
            (None, name) => Self::Device(name.clone().unwrap_or_default()),
        }
    }

    /// `7-0052` and `…/i2c-7/7-0052` are on bus 7.
    fn at(path: &str) -> Self {
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        let bus = last.split_once('-').and_then(|(bus, address)| {
            let is_address = address.len() == 4 && address.bytes().all(|letter| letter.is_ascii_hexdigit());
            bus.parse().ok().filter(|_| is_address)
        });
        bus.map_or_else(|| Self::Device(last.to_owned()), Self::I2c)
    }

    fn name(&self) -> String {
        match self {
            Self::I2c(bus) => format!("i2c-{bus}"),
            Self::Device(name) => name.clone(),
        }
    }
}

/// The sensors of a group.
pub(super) struct LinuxBus {
    name: String,
    ids: Vec<SensorId>,
    /// Each device once, with all that is read of it.
    devices: BTreeMap<HwmonDevice, Device>,
    readers: BTreeMap<SensorId, Reader>,
}

/// How a sensor is read.
enum Reader {
    Hwmon(HwmonDevice, Channel),
    Iio(Iio),
    Pmbus(Register),
}

impl LinuxBus {
    pub(super) fn new<'a>(
        sysfs: &Path,
        group: &Group,
        sensors: impl IntoIterator<Item = (SensorId, &'a SensorBinding)>,
        turn: &Turn,
    ) -> Self {
        let mut bus = Self { name: group.name(), ids: Vec::new(), devices: BTreeMap::new(), readers: BTreeMap::new() };
        for (id, binding) in sensors {
            let reader = match binding {
                SensorBinding::Hwmon { device, channel } => {
                    bus.devices.entry(device.clone()).or_insert_with(|| Device::new(sysfs, device.clone()));
                    Reader::Hwmon(device.clone(), Channel::new(channel))
                }
                SensorBinding::Iio { device, channel } => Reader::Iio(Iio::new(sysfs, device, channel)),
                SensorBinding::Pmbus { device, page, command, format } => {
                    Reader::Pmbus(Register::new(sysfs, device, *page, *command, format, turn.clone()))
                }
                SensorBinding::Sim { .. } | SensorBinding::Derived => continue,
            };
            bus.ids.push(id);
            bus.readers.insert(id, reader);
        }
        bus
    }
}

impl SensorBus for LinuxBus {
    fn name(&self) -> &str {
        &self.name
    }

    fn sensors(&self) -> &[SensorId] {
        &self.ids
    }

    fn read(&mut self, due: &[SensorId]) -> Vec<(SensorId, Sample)> {
        let mut samples = Vec::with_capacity(due.len());
        for id in due {
            let sample = match self.readers.get_mut(id) {
                Some(Reader::Hwmon(device, channel)) => match self.devices.get_mut(device) {
                    Some(device) => channel.read(device),
                    None => Sample::Absent,
                },
                Some(Reader::Iio(iio)) => iio.read(),
                Some(Reader::Pmbus(register)) => register.read(),
                None => continue,
            };
            samples.push((*id, sample));
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensors_are_grouped_by_i2c_bus_and_else_by_device() {
        for (path, group) in [
            ("7-0052", "i2c-7"),
            ("i2c-7/7-0052", "i2c-7"),
            ("/sys/devices/platform/ahb/i2c-11/11-0048", "i2c-11"),
            ("1e6e2000.adc", "1e6e2000.adc"),
            ("thermal_zone0/hwmon0", "hwmon0"),
            ("nvme-0052x", "nvme-0052x"),
        ] {
            assert_eq!(Group::at(path).name(), group, "{path}");
        }
    }
}
