//! Which of QEMU's objects is which chip and which line of the board.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::qmp::{Qmp, QmpError, strange};

/// The object with the lines of the processor's own GPIO banks.
pub const GPIO: &str = "/machine/soc/gpio";

/// Lines that something outside of the board drives or follows, by the names of the board's device tree.
const LINES: [(&str, u8); 11] = [
    ("checkstop", 14),
    ("reset-cause-pinhole", 43),
    ("factory-reset-toggle", 46),
    ("cfam-reset", 128),
    ("regulator-standby-faulted", 130),
    ("power-chassis-control", 137),
    ("power-chassis-good", 138),
    ("presence-ps0", 144),
    ("presence-ps1", 145),
    ("presence-ps2", 146),
    ("presence-ps3", 147),
];

/// A chip on an I²C bus, written as the kernel does: `6-004b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chip {
    /// Number of the bus, as the board's device tree numbers them.
    pub bus: u8,
    /// Seven bits.
    pub address: u8,
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04x}", self.bus, self.address)
    }
}

/// Not an address of a chip.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no chip: write BUS-ADDRESS as the kernel does, for example 6-004b")]
pub struct ChipError(String);

impl FromStr for Chip {
    type Err = ChipError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ChipError(text.to_owned());
        let (bus, address) = text.split_once('-').ok_or_else(error)?;
        let chip = Self {
            bus: bus.parse().map_err(|_| error())?,
            address: u8::from_str_radix(address, 16).map_err(|_| error())?,
        };
        if chip.address > 0x7f { Err(error()) } else { Ok(chip) }
    }
}

/// A thermometer of the board: one chip, one or four temperatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thermometer {
    /// Of the emulated chip.
    pub path: String,
    /// The emulator's name for each of its temperatures, in the order of the driver's `temp1`, `temp2`, …
    pub properties: &'static [&'static str],
}

impl Thermometer {
    /// The chip as its driver names it.
    pub fn driver(&self) -> &'static str {
        if self.properties.len() == 1 { "tmp275" } else { "tmp423" }
    }
}

const TYPES: [(&str, &[&str]); 2] = [
    ("child<tmp105>", &["temperature"]),
    ("child<tmp423>", &["temperature0", "temperature1", "temperature2", "temperature3"]),
];

/// All thermometers of the machine.
pub fn thermometers(qmp: &mut Qmp) -> Result<BTreeMap<Chip, Thermometer>, QmpError> {
    let mut found = BTreeMap::new();
    // Chips are children of their buses, or of the machine where nobody named them.
    let mut folders = vec!["/machine".to_owned()];
    while let Some(folder) = folders.pop() {
        for (name, kind) in qmp.list(&folder)? {
            let path = format!("{folder}/{name}");
            if let Some((_, properties)) = TYPES.iter().find(|(type_name, _)| *type_name == kind) {
                found.insert(chip(qmp, &path)?, Thermometer { path, properties });
            } else if kind.starts_with("child<") && !kind.contains("memory-region") && !kind.contains("irq") {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

fn chip(qmp: &mut Qmp, path: &str) -> Result<Chip, QmpError> {
    let bus = qmp.get(path, "parent_bus")?;
    let address = qmp.get(path, "address")?;
    let number = bus.as_str().and_then(|path| path.rsplit('.').next()).and_then(|number| number.parse().ok());
    let bits = address.as_u64().and_then(|bits| u8::try_from(bits).ok());
    match (number, bits) {
        (Some(bus), Some(address)) => Ok(Chip { bus, address }),
        (None, _) => Err(strange("qom-get parent_bus", &bus)),
        (Some(_), None) => Err(strange("qom-get address", &address)),
    }
}

/// A line of the processor's own GPIO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// By the board's device tree.
    pub name: &'static str,
    /// Counted as the kernel does.
    pub number: u8,
}

impl Line {
    /// The line of that name.
    pub fn named(name: &str) -> Option<Self> {
        LINES.iter().find(|(known, _)| *known == name).map(|(name, number)| Self { name, number: *number })
    }

    /// Names of all lines.
    pub fn names() -> impl Iterator<Item = &'static str> {
        LINES.iter().map(|(name, _)| *name)
    }

    /// The emulator's name for it: bank letter and number.
    pub fn property(self) -> String {
        format!("gpio{}{}", char::from(b'A' + self.number / 8), self.number % 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_are_written_as_the_kernel_writes_them() {
        for text in ["6-004b", "11-0049", "0-0000"] {
            assert_eq!(text.parse::<Chip>().map(|chip| chip.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "6", "6-", "-4b", "6-0080", "6-4b-1", "x-004b"] {
            assert_eq!(text.parse::<Chip>(), Err(ChipError(text.to_owned())));
        }
    }

    #[test]
    fn lines_are_found_in_their_banks() {
        for (name, property) in
            [("power-chassis-control", "gpioR1"), ("power-chassis-good", "gpioR2"), ("presence-ps0", "gpioS0")]
        {
            assert_eq!(Line::named(name).map(Line::property).as_deref(), Some(property));
        }
        assert_eq!(Line::named("power"), None);
    }
}
