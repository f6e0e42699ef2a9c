//! Rails that are switched, and supplies that are asked, over PMBus.

use std::path::PathBuf;

use ubmc_core::ids::{RailId, SupplyId};

use super::{
    LinuxError, SmbusError,
    pmbus::{clear_faults, read_status, set_output},
    smbus::Turns,
};
use crate::{
    board::{Bindings, PmbusDevice, RailBinding},
    hardware::{HardwareError, PowerDevices},
};

/// The regulators and supplies of one handle.
pub(super) struct Regulators {
    sysfs: PathBuf,
    rails: Vec<RailBinding>,
    supplies: Vec<Option<PmbusDevice>>,
    turns: Turns,
}

impl Regulators {
    pub(super) fn new(sysfs: PathBuf, bindings: &Bindings, turns: Turns) -> Self {
        Self { sysfs, rails: bindings.rails.clone(), supplies: bindings.supplies.clone(), turns }
    }
}

fn smbus(error: SmbusError) -> HardwareError {
    LinuxError::from(error).into()
}

impl PowerDevices for Regulators {
    fn set_rail(&mut self, rail: RailId, on: bool) -> Result<(), HardwareError> {
        match self.rails.get(rail.index()) {
            Some(RailBinding::Pmbus { device, page }) => {
                set_output(&self.sysfs, device, &self.turns.of(device.bus), *page, on).map_err(smbus)
            }
            Some(RailBinding::Line) | None => Err(HardwareError::Unbound(format!("rail {}", rail.index()))),
        }
    }

    fn capture_fault(&mut self, supply: SupplyId) -> Result<Vec<(String, u16)>, HardwareError> {
        let Some(Some(device)) = self.supplies.get(supply.index()) else {
            return Err(HardwareError::Unbound(format!("supply {}", supply.index())));
        };
        let turn = self.turns.of(device.bus);
        let registers = read_status(&self.sysfs, device, &turn).map_err(smbus)?;
        // The record is what counts: it is not thrown away because clearing failed. What was not cleared is read again
        // with the next fault; what has a driver is cleared by that, when it has reported its alarms.
        let _ = clear_faults(&self.sysfs, device, &turn);
        Ok(registers.into_iter().map(|register| (register.name.to_owned(), register.value)).collect())
    }
}
