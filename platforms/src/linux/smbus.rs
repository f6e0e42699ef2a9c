//! SMBus transfers to one address, what their errors mean, and what user space can do for a bus that is stuck.
//!
//! ```text
//!   transfer ── ok ──────────────────────────────────▶ value
//!      │ fails, up to three times
//!      ▼
//!   recover: close, have the mux in front of the bus let go, open   (clock pulses are the kernel's, which gives them
//!      │                                                             by itself when a transfer times out)
//!      ▼
//!   transfer ── fails ──▶ the bus counts as stuck for ten seconds: one try at a time, so that its other devices
//!                         are not kept waiting
//! ```

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use i2cdev::{
    core::I2CDevice,
    linux::{LinuxI2CDevice, LinuxI2CError},
};
use nix::errno::Errno;

use crate::board::PmbusDevice;

/// Transfers before a bus is recovered.
const TRIES: usize = 3;
/// How long a bus that could not be recovered is asked once at a time.
const STUCK: Duration = Duration::from_secs(10);

/// What is wrong with a transfer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmbusError {
    /// The bus is not there.
    #[error("there is no bus {path}: its adapter is absent, or the module i2c-dev is not loaded", path = path.display())]
    NoBus {
        /// Its device file.
        path: PathBuf,
    },
    /// A kernel driver has the address.
    #[error("{device} is held by the kernel driver `{driver}`: read it through hwmon, or unbind that driver")]
    Held {
        /// e.g. `3-0068`.
        device: String,
        /// e.g. `ibm-cffps`.
        driver: String,
    },
    /// Nobody answers at the address.
    #[error("{device} does not answer: it is absent, or without power")]
    NoAnswer {
        /// e.g. `3-0068`.
        device: String,
    },
    /// The packet error code is wrong.
    #[error("{device}: the packet error code is wrong: noise on the bus, or a device that has none (`pec = false`)")]
    PacketError {
        /// e.g. `3-0068`.
        device: String,
    },
    /// Another controller was quicker, again and again.
    #[error("{device}: another controller of the bus keeps taking it")]
    ArbitrationLost {
        /// e.g. `3-0068`.
        device: String,
    },
    /// The transfer did not end.
    #[error("{device}: the transfer did not end in time: something holds the clock or the data line")]
    TimedOut {
        /// e.g. `3-0068`.
        device: String,
    },
    /// The adapter cannot do such a transfer.
    #[error("{device}: the adapter of its bus cannot do such a transfer")]
    Unsupported {
        /// e.g. `3-0068`.
        device: String,
    },
    /// Something else.
    #[error("{device}: {text}")]
    Other {
        /// e.g. `3-0068`.
        device: String,
        /// What the system said.
        text: String,
    },
}

impl SmbusError {
    fn new(device: &PmbusDevice, errno: Errno, driver: impl FnOnce() -> String) -> Self {
        let named = device.to_string();
        match errno {
            Errno::ENOENT => Self::NoBus { path: device_file(device) },
            Errno::EBUSY => Self::Held { device: named, driver: driver() },
            Errno::ENXIO | Errno::EREMOTEIO | Errno::ENODEV => Self::NoAnswer { device: named },
            Errno::EBADMSG => Self::PacketError { device: named },
            Errno::EAGAIN => Self::ArbitrationLost { device: named },
            Errno::ETIMEDOUT => Self::TimedOut { device: named },
            Errno::EOPNOTSUPP => Self::Unsupported { device: named },
            other => Self::Other { device: named, text: other.desc().to_owned() },
        }
    }

    /// Whether trying again may help.
    const fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer { .. }
            | Self::PacketError { .. }
            | Self::ArbitrationLost { .. }
            | Self::TimedOut { .. }
            | Self::Other { .. } => true,
            Self::NoBus { .. } | Self::Held { .. } | Self::Unsupported { .. } => false,
        }
    }

    /// Whether it is the bus that has a problem, and not the device alone.
    const fn blames_bus(&self) -> bool {
        match self {
            Self::ArbitrationLost { .. } | Self::TimedOut { .. } | Self::Other { .. } => true,
            Self::NoBus { .. }
            | Self::Held { .. }
            | Self::NoAnswer { .. }
            | Self::PacketError { .. }
            | Self::Unsupported { .. } => false,
        }
    }
}

fn device_file(device: &PmbusDevice) -> PathBuf {
    format!("/dev/i2c-{}", device.bus).into()
}

/// What is done on an address. The kernel does it; tests do it otherwise.
pub(super) trait Wire: Send {
    fn read_byte(&mut self, command: u8) -> Result<u8, Errno>;
    fn read_word(&mut self, command: u8) -> Result<u16, Errno>;
    fn write_byte(&mut self, command: u8, value: u8) -> Result<(), Errno>;
    fn send(&mut self, command: u8) -> Result<(), Errno>;
    /// Closes; the next transfer opens anew. Whatever else can be done for the bus is done.
    fn recover(&mut self);
    /// The driver that holds the address.
    fn driver(&self) -> String;
}

/// What all users of a bus share: they take turns, and know when it is stuck.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<Mutex<Option<Instant>>>);

impl Turn {
    /// Until it is dropped the bus is ours; inside is until when it counts as stuck.
    fn take(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turns of all buses, shared by all who talk on them.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<BTreeMap<u32, Turn>>>);

impl Turns {
    pub(super) fn of(&self, bus: u32) -> Turn {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(bus).or_default().clone()
    }
}

/// A device on a bus.
pub(super) struct Smbus {
    device: PmbusDevice,
    wire: Box<dyn Wire>,
    turn: Turn,
}

impl Smbus {
    pub(super) fn new(sysfs: &Path, device: &PmbusDevice, turn: Turn) -> Self {
        let wire = Kernel { sysfs: sysfs.to_owned(), device: device.clone(), opened: None };
        Self::over(Box::new(wire), device, turn)
    }

    pub(super) fn over(wire: Box<dyn Wire>, device: &PmbusDevice, turn: Turn) -> Self {
        Self { device: device.clone(), wire, turn }
    }

    /// Does something on the address, as one turn on the bus: page and value belong together.
    pub(super) fn transact<T>(
        &mut self,
        mut act: impl FnMut(&mut dyn Wire) -> Result<T, Errno>,
    ) -> Result<T, SmbusError> {
        let Self { device, wire, turn } = self;
        let mut stuck = turn.take();
        let tries = if stuck.is_some_and(|until| Instant::now() < until) { 1 } else { TRIES };
        let mut attempt = |wire: &mut dyn Wire| {
            let result = act(wire);
            result.map_err(|errno| SmbusError::new(device, errno, || wire.driver()))
        };
        let mut last = attempt(wire.as_mut());
        for _ in 1..tries {
            if !last.as_ref().is_err_and(SmbusError::is_transient) {
                break;
            }
            last = attempt(wire.as_mut());
        }
        if last.as_ref().is_err_and(SmbusError::blames_bus) {
            wire.recover();
            // While it counts as stuck the recovery is for the next turn.
            if tries > 1 {
                last = attempt(wire.as_mut());
            }
        }
        match &last {
            Ok(_) => *stuck = None,
            Err(error) if error.blames_bus() => *stuck = Some(Instant::now() + STUCK),
            Err(_) => {}
        }
        last
    }
}

/// The kernel's `/dev/i2c-N`.
struct Kernel {
    sysfs: PathBuf,
    device: PmbusDevice,
    opened: Option<LinuxI2CDevice>,
}

impl Kernel {
    fn with<T>(&mut self, act: impl FnOnce(&mut LinuxI2CDevice) -> Result<T, LinuxI2CError>) -> Result<T, Errno> {
        let opened = match &mut self.opened {
            Some(opened) => opened,
            none @ None => {
                let mut device = LinuxI2CDevice::new(device_file(&self.device), self.device.address).map_err(errno)?;
                device.set_smbus_pec(self.device.pec).map_err(errno)?;
                none.insert(device)
            }
        };
        act(opened).map_err(|error| {
            let errno = errno(error);
            if errno == Errno::ENODEV {
                // The adapter has gone.
                self.opened = None;
            }
            errno
        })
    }
}

impl Wire for Kernel {
    fn read_byte(&mut self, command: u8) -> Result<u8, Errno> {
        self.with(|device| device.smbus_read_byte_data(command))
    }

    fn read_word(&mut self, command: u8) -> Result<u16, Errno> {
        self.with(|device| device.smbus_read_word_data(command))
    }

    fn write_byte(&mut self, command: u8, value: u8) -> Result<(), Errno> {
        self.with(|device| device.smbus_write_byte_data(command, value))
    }

    fn send(&mut self, command: u8) -> Result<(), Errno> {
        self.with(|device| device.smbus_write_byte(command))
    }

    fn recover(&mut self) {
        self.opened = None;
        // Behind a mux: it lets go of all its channels between transfers from now on, so that the part that holds the
        // line does not hold the other channels too. A bus without a mux in front has no such file.
        let adapter = self.sysfs.join(format!("bus/i2c/devices/i2c-{}/mux_device/idle_state", self.device.bus));
        let _ = fs::write(adapter, "-2");
    }

    fn driver(&self) -> String {
        let link = self.sysfs.join(format!("bus/i2c/devices/{}/driver", self.device));
        let name = fs::read_link(link).ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        name.unwrap_or_else(|| "unknown".to_owned())
    }
}

fn errno(error: LinuxI2CError) -> Errno {
    super::attributes::errno(&io::Error::from(error))
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A device that is made up: what it answers, and the errors that come before.
    #[derive(Default)]
    pub(in crate::linux) struct MadeUp {
        pub(in crate::linux) registers: BTreeMap<(u8, u8), u16>,
        pub(in crate::linux) page: u8,
        pub(in crate::linux) errors: VecDeque<Errno>,
        pub(in crate::linux) log: Arc<Mutex<Vec<String>>>,
    }

    impl MadeUp {
        fn answer(&mut self, what: String, command: u8) -> Result<u16, Errno> {
            self.log.lock().unwrap().push(what);
            match self.errors.pop_front() {
                Some(error) => Err(error),
                None => self.registers.get(&(self.page, command)).copied().ok_or(Errno::ENXIO),
            }
        }
    }

    impl Wire for MadeUp {
        fn read_byte(&mut self, command: u8) -> Result<u8, Errno> {
            self.answer(format!("byte {command:#04x}"), command).map(|word| word.to_le_bytes()[0])
        }

        fn read_word(&mut self, command: u8) -> Result<u16, Errno> {
            self.answer(format!("word {command:#04x}"), command)
        }

        fn write_byte(&mut self, command: u8, value: u8) -> Result<(), Errno> {
            self.log.lock().unwrap().push(format!("write {command:#04x} {value}"));
            if command == 0 {
                self.page = value;
            }
            Ok(())
        }

        fn send(&mut self, command: u8) -> Result<(), Errno> {
            self.log.lock().unwrap().push(format!("send {command:#04x}"));
            Ok(())
        }

        fn recover(&mut self) {
            self.log.lock().unwrap().push("recover".to_owned());
        }

        fn driver(&self) -> String {
            "ibm-cffps".to_owned()
        }
    }

    pub(in crate::linux) fn psu() -> PmbusDevice {
        PmbusDevice { bus: 3, address: 0x68, pec: true }
    }

    /// What happens after these errors, and what is said in the end.
    fn check(errors: &[Errno], transfers: &str, outcome: Result<u16, &str>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let wire = MadeUp {
            registers: BTreeMap::from([((0, 0x88), 7)]),
            errors: errors.iter().copied().collect(),
            log: Arc::clone(&log),
            ..MadeUp::default()
        };
        let mut smbus = Smbus::over(Box::new(wire), &psu(), Turn::default());
        let got = smbus.transact(|wire| wire.read_word(0x88)).map_err(|error| error.to_string());
        assert_eq!(got, outcome.map_err(str::to_owned), "{errors:?}");
        assert_eq!(log.lock().unwrap().join(", ").replace("word 0x88", "read"), transfers, "{errors:?}");
    }

    #[test]
    fn a_transfer_is_tried_three_times_and_a_bus_is_recovered_before_it_is_given_up() {
        use Errno::{EAGAIN, EBADMSG, EBUSY, EIO, ENOENT, ENXIO, EOPNOTSUPP, ETIMEDOUT};
        check(&[], "read", Ok(7));
        check(&[EBADMSG, ENXIO], "read, read, read", Ok(7));
        check(&[ETIMEDOUT; 3], "read, read, read, recover, read", Ok(7));
        check(
            &[ETIMEDOUT; 4],
            "read, read, read, recover, read",
            Err("3-0068: the transfer did not end in time: something holds the clock or the data line"),
        );
        check(
            &[EAGAIN; 4],
            "read, read, read, recover, read",
            Err("3-0068: another controller of the bus keeps taking it"),
        );
        check(&[EIO; 4], "read, read, read, recover, read", Err("3-0068: I/O error"));
        // The device's own trouble is none of the bus.
        check(&[ENXIO; 3], "read, read, read", Err("3-0068 does not answer: it is absent, or without power"));
        check(
            &[EBADMSG; 3],
            "read, read, read",
            Err("3-0068: the packet error code is wrong: noise on the bus, or a device that has none (`pec = false`)"),
        );
        // Nothing that trying again could change.
        check(
            &[EBUSY],
            "read",
            Err("3-0068 is held by the kernel driver `ibm-cffps`: read it through hwmon, or unbind that driver"),
        );
        check(
            &[ENOENT],
            "read",
            Err("there is no bus /dev/i2c-3: its adapter is absent, or the module i2c-dev is not loaded"),
        );
        check(&[EOPNOTSUPP], "read", Err("3-0068: the adapter of its bus cannot do such a transfer"));
    }

    #[test]
    fn a_stuck_bus_is_asked_once_at_a_time_until_it_answers() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let wire = MadeUp {
            registers: BTreeMap::from([((0, 0x88), 7)]),
            errors: [Errno::ETIMEDOUT; 5].into(),
            log: Arc::clone(&log),
            ..MadeUp::default()
        };
        let mut smbus = Smbus::over(Box::new(wire), &psu(), Turn::default());
        let mut transfers = || {
            log.lock().unwrap().clear();
            let ok = smbus.transact(|wire| wire.read_word(0x88)).is_ok();
            (ok, log.lock().unwrap().len())
        };
        assert_eq!(transfers(), (false, 5), "three, a recovery, one");
        assert_eq!(transfers(), (false, 2), "one, and a recovery for the next");
        assert_eq!(transfers(), (true, 1));
    }
}
