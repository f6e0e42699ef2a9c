//! One channel of a hwmon device: its file, its unit, and what its errors mean.
//!
//! | what the driver says | what it means | sample |
//! |---|---|---|
//! | a number | the value in the kernel's unit | its value in ours |
//! | `*_fault` is 1 | the sensor is open or shorted, the fan does not turn | an error |
//! | no device, `ENODEV` | unplugged, or not there yet | absent |
//! | `ENXIO`, three times | nobody answers at the address | absent |
//! | `ENODATA` | the channel is disabled, or nothing was measured yet | an error |
//! | `EIO` and its like, three times; anything else | the bus or the chip has a problem | an error |

use std::io;

use nix::errno::Errno;
use ubmc_core::input::Sample;

use super::{
    super::{
        LinuxError,
        attributes::{Attribute, Folder, errno},
    },
    Device,
};

/// A chip may miss one message on a busy bus; it hardly misses three.
const TRIES: usize = 3;

/// A channel, and what is known of its files.
#[derive(Debug)]
pub(in crate::linux) struct Channel {
    /// As the board file has it: `temp1`, or `label:CPU`.
    wanted: String,
    located: Option<Located>,
}

/// What holds for one find of its device.
#[derive(Debug)]
struct Located {
    find: u32,
    files: Files,
    value: Attribute,
    fault: Option<Attribute>,
}

/// Where a channel's value is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::linux) struct Files {
    /// e.g. `temp1`.
    pub(in crate::linux) base: String,
    /// e.g. `temp1_input`.
    pub(in crate::linux) value: String,
    /// e.g. `temp1_fault`.
    fault: Option<String>,
    /// What the kernel's number is divided by.
    pub(in crate::linux) divisor: f64,
}

impl Channel {
    pub(in crate::linux) fn new(wanted: &str) -> Self {
        Self { wanted: wanted.to_owned(), located: None }
    }

    /// Its files on the device as it is now.
    pub(in crate::linux) fn files(&mut self, folder: &Folder, find: u32) -> Result<&Files, LinuxError> {
        self.located(folder, find).map(|located| &located.files)
    }

    fn located(&mut self, folder: &Folder, find: u32) -> Result<&mut Located, LinuxError> {
        if self.located.as_ref().is_none_or(|located| located.find != find) {
            self.located = None;
        }
        match &mut self.located {
            Some(located) => Ok(located),
            none @ None => {
                let files = locate(folder, &self.wanted)?;
                let (value, fault) = (Attribute::new(&files.value), files.fault.as_deref().map(Attribute::new));
                Ok(none.insert(Located { find, files, value, fault }))
            }
        }
    }

    /// Its value now.
    pub(in crate::linux) fn read(&mut self, device: &mut Device) -> Sample {
        let mut answer = self.try_read(device);
        for _ in 1..TRIES {
            let again = match &answer {
                // Looked for anew: it may have come back under another number.
                Err(Trouble::Io(error)) => !device.check() || is_noise(errno(error)),
                Err(Trouble::Known(LinuxError::NoChannel { .. })) => !device.check(),
                Err(Trouble::NoAnswer) => true,
                Ok(_) | Err(Trouble::Known(_)) => false,
            };
            if !again {
                break;
            }
            answer = self.try_read(device);
        }
        match answer {
            Ok(value) => Sample::Value(value),
            Err(Trouble::Known(LinuxError::NoHwmon { .. }) | Trouble::NoAnswer) => Sample::Absent,
            Err(Trouble::Known(error)) => Sample::Error(error.to_string()),
            Err(Trouble::Io(error)) => match errno(&error) {
                Errno::ENODEV => Sample::Absent,
                Errno::ENODATA => {
                    Sample::Error(format!("{}: no data: it is disabled, or has not measured yet", self.wanted))
                }
                Errno::ETIMEDOUT => Sample::Error(format!("{}: its bus does not answer in time", self.wanted)),
                _ => Sample::Error(format!("{}: {error}", self.wanted)),
            },
        }
    }

    fn try_read(&mut self, device: &mut Device) -> Result<f64, Trouble> {
        let (folder, find) = device.folder()?;
        let located = self.located(folder, find)?;
        // The value first: a fault that comes up meanwhile is seen. And the emulated fan chip answers what is asked right
        // after its fan status with a byte of that.
        let text = located.value.read(folder);
        if let Some(fault) = &mut located.fault
            && fault.read(folder)? == "1"
        {
            let fault = fault.name().to_owned();
            return Err(LinuxError::Faulty { channel: self.wanted.clone(), fault }.into());
        }
        Ok(parse(&located.files.value, &text?)? / located.files.divisor)
    }
}

/// What a disturbed transfer ends with. A time-out is none: it has taken its time already.
const fn is_noise(errno: Errno) -> bool {
    matches!(errno, Errno::EIO | Errno::EAGAIN | Errno::EREMOTEIO | Errno::EBADMSG | Errno::EPROTO)
}

/// Why there is no value.
enum Trouble {
    /// Something that looking again does not change.
    Known(LinuxError),
    /// `ENXIO`
    NoAnswer,
    Io(io::Error),
}

impl From<LinuxError> for Trouble {
    fn from(error: LinuxError) -> Self {
        Self::Known(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        if errno(&error) == Errno::ENXIO { Self::NoAnswer } else { Self::Io(error) }
    }
}

/// The number in a file.
pub(in crate::linux) fn number(folder: &Folder, file: &str) -> io::Result<f64> {
    parse(file, &folder.read(file)?)
}

fn parse(file: &str, text: &str) -> io::Result<f64> {
    text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{file} says `{text}`, not a number")))
}

/// The files of a channel that a board file names.
fn locate(folder: &Folder, wanted: &str) -> Result<Files, LinuxError> {
    let missing = || LinuxError::NoChannel {
        channel: wanted.to_owned(),
        device: folder.path().display().to_string(),
        has: channels(folder).join(", "),
    };
    let base = match wanted.strip_prefix("label:") {
        Some(label) => labelled(folder, label).ok_or_else(missing)?,
        None => wanted.to_owned(),
    };
    let (_, divisor) = unit(&base).ok_or_else(missing)?;
    // A state such as `fan1_alarm` or `intrusion0_alarm` is a file of its own.
    if base.contains('_') && folder.has(&base) {
        let state = ["_alarm", "_fault", "_enable", "_beep"].iter().any(|end| base.ends_with(end));
        return Ok(Files { value: base.clone(), base, fault: None, divisor: if state { 1.0 } else { divisor } });
    }
    let value = ["_input", "_average", ""].iter().map(|end| format!("{base}{end}")).find(|file| folder.has(file));
    let fault = Some(format!("{base}_fault")).filter(|file| folder.has(file));
    Ok(Files { value: value.ok_or_else(missing)?, base, fault, divisor })
}

/// The channel whose `*_label` says this.
fn labelled(folder: &Folder, label: &str) -> Option<String> {
    folder.files().into_iter().find_map(|file| {
        let base = file.strip_suffix("_label")?;
        (folder.read(&file).ok()? == label).then(|| base.to_owned())
    })
}

/// Channels that have a value, in order.
pub(in crate::linux) fn channels(folder: &Folder) -> Vec<String> {
    let of = |file: &String| {
        let base = file.strip_suffix("_input").or_else(|| file.strip_suffix("_average"))?;
        unit(base).map(|_| base.to_owned())
    };
    let mut bases: Vec<String> = folder.files().iter().filter_map(of).collect();
    bases.dedup();
    bases
}

/// A channel's value as text with its unit, or why there is none.
pub(in crate::linux) fn show(folder: &Folder, channel: &str) -> String {
    let value = locate(folder, channel).map_err(|error| error.to_string()).and_then(|files| {
        let value = number(folder, &files.value).map_err(|error| error.to_string())?;
        Ok(value / files.divisor)
    });
    let unit = unit(channel).map_or("", |(unit, _)| unit);
    value.map_or_else(|error| error, |value| format!("{value} {unit}").trim_end().to_owned())
}

/// What a channel measures: our unit, and how many of the kernel's make one of it. None: no kind of channel begins so.
pub(in crate::linux) fn unit(channel: &str) -> Option<(&'static str, f64)> {
    let kind = channel.split(|letter: char| letter.is_ascii_digit()).next()?;
    Some(match kind {
        "temp" => ("°C", 1e3),
        "in" => ("V", 1e3),
        "curr" => ("A", 1e3),
        "power" => ("W", 1e6),
        "fan" => ("RPM", 1.0),
        "humidity" => ("%", 1e3),
        "energy" => ("J", 1e6),
        "freq" => ("Hz", 1.0),
        "pwm" => ("%", 2.55),
        "intrusion" => ("", 1.0),
        _ => return None,
    })
}
