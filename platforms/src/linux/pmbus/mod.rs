//! PMBus devices without a kernel driver, and the fault registers of those with one.
//!
//! Code map
//! - `codec`   how numbers are written; pure
//! - `status`  the fault registers: read before they are cleared

pub mod codec;
mod status;

use std::path::Path;

use ubmc_core::input::Sample;

use self::codec::{Coefficients, VoutMode, direct, linear11, linear16};
pub(super) use self::status::{clear_faults, read_status};
use super::smbus::{Smbus, SmbusError, Turn};
use crate::board::{PmbusDevice, PmbusFormat};

const PAGE: u8 = 0x00;
const OPERATION: u8 = 0x01;
const VOUT_MODE: u8 = 0x20;

/// `OPERATION`: on, at the nominal voltage.
const ON: u8 = 0x80;
/// `OPERATION`: off at once, without the regulator's own soft-off, which may take longer than a sequence waits.
const OFF: u8 = 0x00;

/// One value of a device.
pub(super) struct Register {
    smbus: Smbus,
    page: Option<u8>,
    command: u8,
    format: PmbusFormat,
}

/// Switches an output. Whether it follows is for its power-good line or its voltage to say.
pub(super) fn set_output(
    sysfs: &Path,
    device: &PmbusDevice,
    turn: &Turn,
    page: Option<u8>,
    on: bool,
) -> Result<(), SmbusError> {
    switch(&mut Smbus::new(sysfs, device, turn.clone()), page, on)
}

fn switch(smbus: &mut Smbus, page: Option<u8>, on: bool) -> Result<(), SmbusError> {
    smbus.transact(|wire| {
        if let Some(page) = page {
            wire.write_byte(PAGE, page)?;
        }
        wire.write_byte(OPERATION, if on { ON } else { OFF })
    })
}

/// What a transfer brought.
enum Raw {
    Value(f64),
    /// In a format that is not read.
    Foreign(VoutMode),
}

impl Register {
    pub(super) fn new(
        sysfs: &Path,
        device: &PmbusDevice,
        page: Option<u8>,
        command: u8,
        format: &PmbusFormat,
        turn: Turn,
    ) -> Self {
        Self { smbus: Smbus::new(sysfs, device, turn), page, command, format: format.clone() }
    }

    /// Its value now.
    pub(super) fn read(&mut self) -> Sample {
        let Self { smbus, page, command, format } = self;
        let answer = smbus.transact(|wire| {
            if let Some(page) = page {
                wire.write_byte(PAGE, *page)?;
            }
            Ok(match format {
                PmbusFormat::Linear11 => Raw::Value(linear11(wire.read_word(*command)?)),
                // Asked each time: the mode belongs to the page, and a supply that was exchanged may have another.
                PmbusFormat::Linear16 => match VoutMode::from_byte(wire.read_byte(VOUT_MODE)?) {
                    VoutMode::Linear { exponent } => Raw::Value(linear16(wire.read_word(*command)?, exponent)),
                    other @ (VoutMode::Vid { .. } | VoutMode::Direct | VoutMode::IeeeHalf) => Raw::Foreign(other),
                },
                PmbusFormat::Direct { m, b, r } => {
                    Raw::Value(direct(wire.read_word(*command)?, Coefficients { m: *m, b: *b, r: *r }))
                }
            })
        });
        match answer {
            Ok(Raw::Value(value)) => Sample::Value(value),
            Ok(Raw::Foreign(mode)) => Sample::Error(match mode {
                VoutMode::Vid { table } => format!("VOUT_MODE says VID table {table}, which ubmc does not read"),
                VoutMode::IeeeHalf => "VOUT_MODE says IEEE half precision, which ubmc does not read".to_owned(),
                VoutMode::Direct | VoutMode::Linear { .. } => {
                    "VOUT_MODE says DIRECT: give `format = { m = …, b = …, r = … }` from the data sheet".to_owned()
                }
            }),
            Err(SmbusError::NoBus { .. } | SmbusError::NoAnswer { .. }) => Sample::Absent,
            Err(error) => Sample::Error(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    use super::{
        super::smbus::tests::{MadeUp, psu},
        *,
    };

    fn read(registers: &[((u8, u8), u16)], page: Option<u8>, command: u8, format: PmbusFormat) -> (Sample, String) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let wire = MadeUp {
            registers: registers.iter().copied().collect::<BTreeMap<_, _>>(),
            log: Arc::clone(&log),
            ..MadeUp::default()
        };
        let smbus = Smbus::over(Box::new(wire), &psu(), Turn::default());
        let sample = Register { smbus, page, command, format }.read();
        let log = log.lock().unwrap().join(", ");
        (sample, log)
    }

    #[test]
    fn values_are_read_in_their_format_and_from_their_page() {
        let (sample, log) = read(&[((0, 0x88), 0xf3dc)], None, 0x88, PmbusFormat::Linear11);
        assert_eq!((sample, log.as_str()), (Sample::Value(247.0), "word 0x88"));
        let registers = [((1, 0x20), 0x14), ((1, 0x8b), 0x9000)];
        let (sample, log) = read(&registers, Some(1), 0x8b, PmbusFormat::Linear16);
        assert_eq!((sample, log.as_str()), (Sample::Value(9.0), "write 0x00 1, byte 0x20, word 0x8b"));
        let (sample, _) = read(&[((0, 0x88), 1234)], None, 0x88, PmbusFormat::Direct { m: 1.0, b: 0.0, r: 2 });
        assert_eq!(sample, Sample::Value(12.34));
    }

    #[test]
    fn a_voltage_in_a_format_that_is_not_read_says_so() {
        for (mode, text) in [
            (0x21, "VOUT_MODE says VID table 1, which ubmc does not read"),
            (0x60, "VOUT_MODE says IEEE half precision, which ubmc does not read"),
            (0x40, "VOUT_MODE says DIRECT: give `format = { m = …, b = …, r = … }` from the data sheet"),
        ] {
            let (sample, _) = read(&[((0, 0x20), mode), ((0, 0x8b), 1)], None, 0x8b, PmbusFormat::Linear16);
            assert_eq!(sample, Sample::Error(text.to_owned()));
        }
    }

    #[test]
    fn an_output_is_switched_on_its_page() {
        for (page, on, transfers) in [
            (None, true, "write 0x01 128"),
            (Some(2), true, "write 0x00 2, write 0x01 128"),
            (Some(2), false, "write 0x00 2, write 0x01 0"),
        ] {
            let log = Arc::new(Mutex::new(Vec::new()));
            let wire = MadeUp { log: Arc::clone(&log), ..MadeUp::default() };
            switch(&mut Smbus::over(Box::new(wire), &psu(), Turn::default()), page, on).unwrap();
            assert_eq!(log.lock().unwrap().join(", "), transfers);
        }
    }

    #[test]
    fn a_supply_that_is_unplugged_is_absent() {
        assert_eq!(read(&[], None, 0x88, PmbusFormat::Linear11).0, Sample::Absent);
    }
}
