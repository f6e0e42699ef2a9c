//! The fault registers of a PMBus device: why it failed, which is gone once it is cleared or unplugged.
//!
//! A device that has a kernel driver is the driver's; its registers are then taken from the driver's folder in debugfs,
//! where that is mounted.

use std::{fs, path::Path};

use super::{
    super::{
        hwmon,
        smbus::{Smbus, SmbusError, Turn},
    },
    PAGE,
};
use crate::board::{HwmonDevice, PmbusDevice};

const CLEAR_FAULTS: u8 = 0x03;

/// Name, command code, whether it is a word, and the driver's file for it.
const REGISTERS: [(&str, u8, bool, &str); 7] = [
    ("STATUS_WORD", 0x79, true, "status0"),
    ("STATUS_VOUT", 0x7a, false, "status0_vout"),
    ("STATUS_IOUT", 0x7b, false, "status0_iout"),
    ("STATUS_INPUT", 0x7c, false, "status0_input"),
    ("STATUS_TEMPERATURE", 0x7d, false, "status0_temp"),
    ("STATUS_CML", 0x7e, false, "status0_cml"),
    ("STATUS_FANS_1_2", 0x81, false, "status0_fan12"),
];

/// A fault register as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::linux) struct FaultRegister {
    /// As the PMBus specification has it, e.g. `STATUS_WORD`.
    pub(in crate::linux) name: &'static str,
    /// Its bits.
    pub(in crate::linux) value: u16,
}

/// Those that the device has; a device without `STATUS_WORD` has none that can be relied on.
pub(in crate::linux) fn read_status(
    sysfs: &Path,
    device: &PmbusDevice,
    turn: &Turn,
) -> Result<Vec<FaultRegister>, SmbusError> {
    match over_bus(&mut Smbus::new(sysfs, device, turn.clone())) {
        Err(held @ SmbusError::Held { .. }) => over_driver(sysfs, device).ok_or(held),
        other => other,
    }
}

fn over_bus(smbus: &mut Smbus) -> Result<Vec<FaultRegister>, SmbusError> {
    let mut found = Vec::new();
    for (name, command, word, _) in REGISTERS {
        let value =
            smbus.transact(|wire| if word { wire.read_word(command) } else { wire.read_byte(command).map(u16::from) });
        match value {
            Ok(value) => found.push(FaultRegister { name, value }),
            Err(error) if found.is_empty() => return Err(error),
            // Devices have those that concern them.
            Err(_) => {}
        }
    }
    Ok(found)
}

/// None: the driver tells nothing, or debugfs is not mounted.
fn over_driver(sysfs: &Path, device: &PmbusDevice) -> Option<Vec<FaultRegister>> {
    let wanted = HwmonDevice { path: Some(device.to_string()), name: None };
    let hwmon = hwmon::find(&hwmon::survey(sysfs), &wanted).ok()?;
    let dir = sysfs.join("kernel/debug/pmbus").join(hwmon.file_name()?);
    let found: Vec<_> = REGISTERS
        .into_iter()
        .filter_map(|(name, _, _, file)| {
            let text = fs::read_to_string(dir.join(file)).ok()?;
            let value = u16::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()?;
            Some(FaultRegister { name, value })
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// Forgets the faults of all pages; those that still hold come back at once.
pub(in crate::linux) fn clear_faults(sysfs: &Path, device: &PmbusDevice, turn: &Turn) -> Result<(), SmbusError> {
    clear(&mut Smbus::new(sysfs, device, turn.clone()))
}

fn clear(smbus: &mut Smbus) -> Result<(), SmbusError> {
    smbus.transact(|wire| {
        // Page 0xff is all of them. A device without pages does not know the command, and clears what it has.
        let _ = wire.write_byte(PAGE, 0xff);
        wire.send(CLEAR_FAULTS)?;
        let _ = wire.write_byte(PAGE, 0);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        os::unix::fs::symlink,
        sync::{Arc, Mutex},
    };

    use nix::errno::Errno;

    use super::{
        super::super::smbus::tests::{MadeUp, psu},
        *,
    };

    #[test]
    fn fault_registers_that_a_device_does_not_have_are_left_out() {
        let registers = BTreeMap::from([((0, 0x79), 0x2810), ((0, 0x7a), 0x10), ((0, 0x7c), 0x1234)]);
        let wire = MadeUp { registers, ..MadeUp::default() };
        let found = over_bus(&mut Smbus::over(Box::new(wire), &psu(), Turn::default())).unwrap();
        let found: Vec<_> = found.iter().map(|register| (register.name, register.value)).collect();
        assert_eq!(found, [("STATUS_WORD", 0x2810), ("STATUS_VOUT", 0x10), ("STATUS_INPUT", 0x34)]);
    }

    #[test]
    fn a_device_that_is_absent_has_no_registers() {
        let wire = MadeUp { errors: [Errno::ENXIO; 3].into(), ..MadeUp::default() };
        let error = over_bus(&mut Smbus::over(Box::new(wire), &psu(), Turn::default())).unwrap_err();
        assert_eq!(error, SmbusError::NoAnswer { device: "3-0068".to_owned() });
    }

    #[test]
    fn faults_of_all_pages_are_cleared() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let wire = MadeUp { log: Arc::clone(&log), ..MadeUp::default() };
        clear(&mut Smbus::over(Box::new(wire), &psu(), Turn::default())).unwrap();
        assert_eq!(log.lock().unwrap().join(", "), "write 0x00 255, send 0x03, write 0x00 0");
    }

    #[test]
    fn the_registers_of_a_device_with_a_driver_come_from_the_driver() {
        let sysfs = tempfile::tempdir().unwrap();
        let root = sysfs.path();
        let hwmon = root.join("devices/i2c-3/3-0068/hwmon/hwmon9");
        fs::create_dir_all(&hwmon).unwrap();
        fs::create_dir_all(root.join("class/hwmon")).unwrap();
        symlink(root.join("devices/i2c-3/3-0068"), hwmon.join("device")).unwrap();
        symlink(&hwmon, root.join("class/hwmon/hwmon9")).unwrap();
        fs::write(hwmon.join("name"), "cffps\n").unwrap();
        assert_eq!(over_driver(root, &psu()), None, "debugfs is not mounted");
        let debug = root.join("kernel/debug/pmbus/hwmon9");
        fs::create_dir_all(&debug).unwrap();
        fs::write(debug.join("status0"), "0x2810\n").unwrap();
        fs::write(debug.join("status0_vout"), "0x10\n").unwrap();
        let expected = vec![
            FaultRegister { name: "STATUS_WORD", value: 0x2810 },
            FaultRegister { name: "STATUS_VOUT", value: 0x10 },
        ];
        assert_eq!(over_driver(root, &psu()), Some(expected));
    }
}
