//! LEDs of the LED class: `brightness` for on and off, the `timer` trigger for blinking, which the kernel (or the LED's
//! own chip) then does by itself. Where the kernel has no such trigger, a thread blinks.
//!
//! Source: <https://docs.kernel.org/leds/leds-class.html>.

mod blinker;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::errno::Errno;
use ubmc_core::leds::Pattern;

use self::blinker::Blinker;
use super::{
    LinuxError,
    attributes::{Folder, errno},
};

/// Half a period of [`Pattern::Blink`]: 1 Hz.
const SLOW: Duration = Duration::from_millis(500);
/// Half a period of [`Pattern::FastBlink`]: 4 Hz.
const FAST: Duration = Duration::from_millis(125);

/// The LEDs of one handle.
#[derive(Debug)]
pub(super) struct LedClass {
    class: PathBuf,
    /// Made when the first LED needs it.
    blinker: Option<Blinker>,
}

/// An LED's folder, with its name for errors.
#[derive(Debug)]
struct Led {
    name: String,
    folder: Folder,
}

impl Led {
    fn open(class: &Path, name: &str) -> Result<Self, LinuxError> {
        let absent = |_| LinuxError::NoLed { led: name.to_owned(), class: class.display().to_string() };
        Ok(Self { name: name.to_owned(), folder: Folder::open(&class.join(name)).map_err(absent)? })
    }

    fn write(&self, file: &str, text: &str) -> Result<(), LinuxError> {
        self.folder.write(file, text).map_err(|source| LinuxError::Led {
            led: self.name.clone(),
            file: file.to_owned(),
            text: text.to_owned(),
            source,
        })
    }

    /// Steadily on or off.
    fn light(&self, on: bool) -> Result<(), LinuxError> {
        // A trigger would go on changing the brightness. An LED that knows no triggers has none.
        if self.folder.has("trigger") {
            self.write("trigger", "none")?;
        }
        self.write("brightness", &if on { self.brightest() } else { "0".to_owned() })
    }

    fn brightest(&self) -> String {
        self.folder.read("max_brightness").unwrap_or_else(|_| "1".to_owned())
    }

    /// Blinks by itself; false when the kernel has no trigger for that.
    fn blink(&self, half: Duration) -> Result<bool, LinuxError> {
        // The trigger keeps the brightness that it finds; from off it takes the highest.
        match self.write("trigger", "timer") {
            Ok(()) => {}
            Err(LinuxError::Led { source, .. }) if is_unknown_trigger(&source) => return Ok(false),
            Err(error) => return Err(error),
        }
        let half = half.as_millis().to_string();
        self.write("delay_on", &half)?;
        self.write("delay_off", &half)?;
        Ok(true)
    }
}

/// The kernel answers `EINVAL` to a trigger that it does not have.
fn is_unknown_trigger(error: &io::Error) -> bool {
    matches!(errno(error), Errno::EINVAL | Errno::ENOENT)
}

impl LedClass {
    pub(super) fn new(sysfs: &Path) -> Self {
        Self { class: sysfs.join("class/leds"), blinker: None }
    }

    /// Lets an LED show a pattern.
    pub(super) fn set(&mut self, name: &str, pattern: Pattern) -> Result<(), LinuxError> {
        let led = Led::open(&self.class, name)?;
        // First of all: what is shown from now on is not the blinker's any more.
        if let Some(blinker) = &self.blinker {
            blinker.leave(name);
        }
        let half = match pattern {
            Pattern::Off => return led.light(false),
            Pattern::On => return led.light(true),
            Pattern::Blink => SLOW,
            Pattern::FastBlink => FAST,
        };
        if led.blink(half)? {
            return Ok(());
        }
        led.light(true)?;
        let blinker = match &mut self.blinker {
            Some(blinker) => blinker,
            none @ None => {
                let started = Blinker::start().map_err(|source| LinuxError::Led {
                    led: name.to_owned(),
                    file: "trigger".to_owned(),
                    text: "timer".to_owned(),
                    source,
                })?;
                none.insert(started)
            }
        };
        blinker.take(led, half);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Instant};

    use super::*;

    fn made_up(triggers: bool) -> (tempfile::TempDir, LedClass) {
        let sysfs = tempfile::tempdir().unwrap();
        let led = sysfs.path().join("class/leds/rear-enc-id0");
        fs::create_dir_all(&led).unwrap();
        let mut files = vec![("brightness", "0\n"), ("max_brightness", "255\n")];
        if triggers {
            files.extend([("trigger", "[none] timer\n"), ("delay_on", "0\n"), ("delay_off", "0\n")]);
        }
        for (file, text) in files {
            fs::write(led.join(file), text).unwrap();
        }
        let class = LedClass::new(sysfs.path());
        (sysfs, class)
    }

    fn says(sysfs: &tempfile::TempDir, file: &str) -> String {
        fs::read_to_string(sysfs.path().join("class/leds/rear-enc-id0").join(file)).unwrap().trim().to_owned()
    }

    #[test]
    fn patterns_become_brightness_and_the_timer_trigger() {
        let (sysfs, mut leds) = made_up(true);
        for (pattern, expected) in [
            (Pattern::On, [("trigger", "none"), ("brightness", "255")].as_slice()),
            (Pattern::Blink, &[("trigger", "timer"), ("delay_on", "500"), ("delay_off", "500")]),
            (Pattern::FastBlink, &[("trigger", "timer"), ("delay_on", "125"), ("delay_off", "125")]),
            (Pattern::Off, &[("trigger", "none"), ("brightness", "0")]),
        ] {
            leds.set("rear-enc-id0", pattern).unwrap();
            for (file, text) in expected {
                assert_eq!(says(&sysfs, file), *text, "{pattern:?}: {file}");
            }
        }
    }

    #[test]
    fn without_the_trigger_a_thread_blinks_and_stops_when_told() {
        let (sysfs, mut leds) = made_up(false);
        leds.set("rear-enc-id0", Pattern::FastBlink).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        let mut seen = [false; 2];
        while seen != [true; 2] {
            assert!(Instant::now() < until, "it does not blink: {seen:?}");
            match says(&sysfs, "brightness").as_str() {
                "0" => seen[0] = true,
                "255" => seen[1] = true,
                // Between truncation and writing, which sysfs does not have.
                _ => {}
            }
        }
        leds.set("rear-enc-id0", Pattern::Off).unwrap();
        assert_eq!(says(&sysfs, "brightness"), "0");
        std::thread::sleep(FAST * 2);
        assert_eq!(says(&sysfs, "brightness"), "0", "the blinker has let go of it");
    }

    #[test]
    fn an_led_that_is_not_there_says_so() {
        let (sysfs, mut leds) = made_up(true);
        let error = leds.set("front-id", Pattern::On).unwrap_err().to_string();
        let class = sysfs.path().join("class/leds");
        assert_eq!(
            error,
            format!(
                "there is no LED `front-id` in {}: its device is absent, or its driver is not loaded",
                class.display()
            )
        );
    }
}
