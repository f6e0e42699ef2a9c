//! A fan output of a hwmon device: `pwmN`, 0 to 255, which the chip obeys while `pwmN_enable` is 1.

use std::{io, thread, time::Duration};

use nix::errno::Errno;
use ubmc_core::units::Duty;

use super::{
    super::{LinuxError, attributes::errno},
    Device,
};

/// `pwmN_enable`: the duty is ours. 0 is full speed; 2 and more are the chip's own control.
const MANUAL: &str = "1";

/// How often a duty is tried. More often than a reading: the chip's sensors are read meanwhile, and each of their messages
/// may be what disturbs ours.
const TRIES: usize = 6;
/// Between two tries, so that a round of readings passes.
const PAUSE: Duration = Duration::from_millis(10);

/// A fan output.
#[derive(Debug)]
pub(in crate::linux) struct Pwm {
    device: Device,
    /// e.g. `pwm1`.
    channel: String,
}

impl Pwm {
    pub(in crate::linux) fn new(device: Device, channel: &str) -> Self {
        Self { device, channel: channel.to_owned() }
    }

    /// Writes a duty, in several tries: a bus that is busy with the chip's sensors may miss a message. When the device
    /// has come back under another number it is found there at once.
    pub(in crate::linux) fn set(&mut self, duty: Duty) -> Result<(), LinuxError> {
        persist(
            self,
            |pwm| pwm.try_set(duty),
            |pwm, error| {
                let LinuxError::Pwm { source, .. } = error else { return false };
                // In any case: one that has gone is looked for anew by that.
                let there = pwm.device.check();
                if !is_passing(errno(source), there) {
                    return false;
                }
                thread::sleep(PAUSE);
                true
            },
        )
    }

    fn try_set(&mut self, duty: Duty) -> Result<(), LinuxError> {
        let (folder, _) = self.device.folder()?;
        let failed = |doing: &'static str| {
            let (channel, device) = (self.channel.clone(), folder.path().display().to_string());
            move |source: io::Error| LinuxError::Pwm { channel, device, doing, source }
        };
        let enable = format!("{}_enable", self.channel);
        // Looked at each time: a chip that was reset, or somebody's script, has it otherwise, and then drops our duty.
        if folder.has(&enable) && folder.read(&enable).map_err(failed("asking who controls it"))? != MANUAL {
            // Kernels' pmbus core answers ENXIO to the writing of pwmN_enable until pwmN has been read once: it goes by the
            // duty that it read last, and has none. Seen with max31785; what the reading gives does not matter.
            let _ = folder.read(&self.channel);
            folder.write(&enable, &format!("{MANUAL}\n")).map_err(failed("taking it over"))?;
        }
        folder.write(&self.channel, &format!("{}\n", raw(duty))).map_err(failed("writing its duty"))
    }
}

/// Tries until it works, [`TRIES`] times at most, and no more once an error is not worth it.
fn persist<T, E>(
    on: &mut T,
    attempt: impl Fn(&mut T) -> Result<(), E>,
    again: impl Fn(&mut T, &E) -> bool,
) -> Result<(), E> {
    let mut last = attempt(on);
    for _ in 1..TRIES {
        match &last {
            Err(error) if again(on, error) => last = attempt(on),
            Ok(()) | Err(_) => break,
        }
    }
    last
}

/// Whether a duty that was refused with this may be taken the next time. One that timed out has had its tries below us,
/// and a bus that hangs would take as long again.
fn is_passing(error: Errno, device_is_there: bool) -> bool {
    !device_is_there || error != Errno::ETIMEDOUT
}

/// 0 to 255. Rounded up: air is given rather than saved.
fn raw(duty: Duty) -> u8 {
    // Less a hair: 40 % are 102, and not what 40 × 2.55 is in binary.
    let scaled = (duty.percent() * 255.0 / 100.0 - 1e-9).ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a duty is 0 to 100, and `as` saturates
    let raw = scaled as u8;
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duty_becomes_a_byte_and_never_less_air() {
        for (percent, byte) in [(0.0, 0), (0.1, 1), (40.0, 102), (50.0, 128), (99.9, 255), (100.0, 255)] {
            assert_eq!(raw(Duty::new(percent)), byte, "{percent} %");
        }
    }

    #[test]
    fn a_duty_is_tried_until_it_is_taken_but_not_for_ever_and_not_in_vain() {
        // After so many refusals it is taken; how often it was tried, and whether it was taken.
        for (refusals, worth_it, tried, taken) in [
            (0, true, 1, true),
            (1, true, 2, true),
            (TRIES - 1, true, TRIES, true),
            (TRIES, true, TRIES, false),
            (1, false, 1, false),
        ] {
            let mut tries = 0;
            let attempt = |tries: &mut usize| {
                *tries += 1;
                if *tries > refusals { Ok(()) } else { Err(*tries) }
            };
            let done = persist(&mut tries, attempt, |_, _| worth_it);
            assert_eq!((tries, done.is_ok()), (tried, taken), "{refusals} refusals");
            if let Err(last) = done {
                assert_eq!(last, tried, "it is the last refusal that is told");
            }
        }
    }

    #[test]
    fn a_bus_that_hangs_is_not_asked_again_but_a_device_that_went_is_looked_for() {
        for (error, there, passing) in [
            (Errno::EIO, true, true),
            (Errno::EAGAIN, true, true),
            (Errno::ETIMEDOUT, true, false),
            (Errno::ETIMEDOUT, false, true),
            (Errno::ENODEV, false, true),
        ] {
            assert_eq!(is_passing(error, there), passing, "{error}, there: {there}");
        }
    }
}
