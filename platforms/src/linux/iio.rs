//! IIO: converters and environmental sensors. A channel's value is (raw + offset) × scale, or what its `_input` says; both
//! in milli-units for most kinds.
//!
//! Source: `Documentation/ABI/testing/sysfs-bus-iio`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use ubmc_core::input::Sample;

use super::{
    LinuxError,
    attributes::{Folder, errno, names_in},
    hwmon::channel::number,
};

/// A device of the IIO bus as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) dir: PathBuf,
    pub(super) device: PathBuf,
    pub(super) name: String,
}

/// All of them.
pub(super) fn survey(sysfs: &Path) -> Vec<Found> {
    let bus = sysfs.join("bus/iio/devices");
    names_in(&bus)
        .into_iter()
        .filter(|entry| entry.starts_with("iio:device"))
        .map(|entry| {
            let dir = bus.join(&entry);
            let name = fs::read_to_string(dir.join("name")).unwrap_or_default().trim().to_owned();
            // Its own folder lies in that of the chip.
            let own = fs::canonicalize(&dir).unwrap_or_else(|_| dir.clone());
            let device = own.parent().filter(|_| own.ends_with(&entry)).map_or_else(|| own.clone(), Path::to_owned);
            Found { dir, device, name }
        })
        .collect()
}

/// A channel of a device.
pub(super) struct Iio {
    sysfs: PathBuf,
    /// The end of its device path, or its name.
    device: String,
    channel: String,
    folder: Option<Folder>,
}

impl Iio {
    pub(super) fn new(sysfs: &Path, device: &str, channel: &str) -> Self {
        Self { sysfs: sysfs.to_owned(), device: device.to_owned(), channel: channel.to_owned(), folder: None }
    }

    /// Its value now.
    pub(super) fn read(&mut self) -> Sample {
        let mut again = self.folder.is_some();
        loop {
            match self.try_read() {
                Ok(value) => return Sample::Value(value),
                Err(Trouble::Absent) => return Sample::Absent,
                Err(Trouble::Known(text)) => return Sample::Error(text),
                Err(Trouble::Io(error)) => {
                    let there = self.folder.as_ref().is_some_and(|folder| folder.read("name").is_ok());
                    if !there {
                        self.folder = None;
                        // It may have come back under another number.
                        if std::mem::take(&mut again) {
                            continue;
                        }
                    }
                    return match errno(&error) {
                        Errno::ENODEV | Errno::ENXIO => Sample::Absent,
                        _ => Sample::Error(format!("{} of {}: {error}", self.channel, self.device)),
                    };
                }
            }
        }
    }

    fn try_read(&mut self) -> Result<f64, Trouble> {
        let folder = match &mut self.folder {
            Some(folder) => folder,
            none @ None => {
                let found = find(&survey(&self.sysfs), &self.device)?;
                none.insert(Folder::open(&found).map_err(|_| Trouble::Absent)?)
            }
        };
        if let Some(value) = value(folder, &self.channel)? {
            return Ok(value);
        }
        // Of a device that has gone nothing is there.
        folder.read("name")?;
        let (channel, device) = (self.channel.clone(), self.device.clone());
        let error = LinuxError::NoChannel { channel, device, has: channels(folder).join(", ") };
        Err(Trouble::Known(error.to_string()))
    }
}

/// A channel's value in our unit. None: there is no such channel.
fn value(folder: &Folder, channel: &str) -> io::Result<Option<f64>> {
    let (input, raw) = (format!("in_{channel}_input"), format!("in_{channel}_raw"));
    let divisor = divisor(channel);
    if folder.has(&input) {
        return Ok(Some(number(folder, &input)? / divisor));
    }
    if !folder.has(&raw) {
        return Ok(None);
    }
    let (raw, offset, scale) =
        (number(folder, &raw)?, attribute(folder, channel, "offset")?, attribute(folder, channel, "scale")?);
    Ok(Some((raw + offset.unwrap_or(0.0)) * scale.unwrap_or(1.0) / divisor))
}

/// A channel's value as text, or why there is none.
pub(super) fn show(folder: &Folder, channel: &str) -> String {
    match value(folder, channel) {
        Ok(Some(value)) => value.to_string(),
        Ok(None) => "no value".to_owned(),
        Err(error) => error.to_string(),
    }
}

enum Trouble {
    Absent,
    Known(String),
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn find(all: &[Found], wanted: &str) -> Result<PathBuf, Trouble> {
    let is = |found: &&Found| found.name == wanted || found.device.ends_with(wanted.trim_matches('/'));
    let mut fitting = all.iter().filter(is);
    match (fitting.next(), fitting.next()) {
        (None, _) => Err(Trouble::Absent),
        (Some(only), None) => Ok(only.dir.clone()),
        (Some(one), Some(other)) => Err(Trouble::Known(format!(
            "two IIO devices are `{wanted}`: {} and {}; give the end of the path in the board file",
            one.device.display(),
            other.device.display()
        ))),
    }
}

/// An attribute of the channel, or of all channels of its kind. Absent: it has none.
fn attribute(folder: &Folder, channel: &str, name: &str) -> io::Result<Option<f64>> {
    let kind = channel.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let candidates = [format!("in_{channel}_{name}"), format!("in_{kind}_{name}")];
    candidates.iter().find(|file| folder.has(file)).map(|file| number(folder, file)).transpose()
}

/// Channels that have a value, in order.
pub(super) fn channels(folder: &Folder) -> Vec<String> {
    let of = |file: &String| {
        let base = file.strip_prefix("in_")?;
        Some(base.strip_suffix("_input").or_else(|| base.strip_suffix("_raw"))?.to_owned())
    };
    let mut found: Vec<_> = folder.files().iter().filter_map(of).collect();
    found.dedup();
    found
}

/// What a value is divided by to be °C, %, V, A, W. Others are as the kernel has them.
fn divisor(channel: &str) -> f64 {
    let kinds = ["temp", "humidityrelative", "voltage", "current", "power"];
    if kinds.iter().any(|kind| channel.starts_with(kind)) { 1e3 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A tree with one device at `7-0040`.
    fn made_up(files: &[(&str, &str)]) -> tempfile::TempDir {
        let sysfs = tempfile::tempdir().unwrap();
        plug(sysfs.path(), 0, files);
        sysfs
    }

    fn plug(root: &Path, number: u32, files: &[(&str, &str)]) {
        let entry = format!("iio:device{number}");
        let own = root.join("devices/i2c-7/7-0040").join(&entry);
        let bus = root.join("bus/iio/devices");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(&bus).unwrap();
        symlink(&own, bus.join(&entry)).unwrap();
        fs::write(own.join("name"), "si7020\n").unwrap();
        for (file, text) in files {
            fs::write(own.join(file), text).unwrap();
        }
    }

    fn unplug(root: &Path, number: u32) {
        fs::remove_file(root.join(format!("bus/iio/devices/iio:device{number}"))).unwrap();
        fs::remove_dir_all(root.join("devices/i2c-7/7-0040")).unwrap();
    }

    #[test]
    fn a_value_is_raw_plus_offset_times_scale_in_our_unit() {
        let si7020 = [
            ("in_temp_raw", "6596\n"),
            ("in_temp_offset", "-4368\n"),
            ("in_temp_scale", "10.725097656\n"),
            ("in_humidityrelative_input", "45500\n"),
            ("in_voltage2_raw", "1000\n"),
            ("in_voltage_scale", "1.8\n"),
            ("in_pressure_input", "101.3\n"),
        ];
        let sysfs = made_up(&si7020);
        for (device, channel, value) in [
            ("7-0040", "temp", 23.895_517_577_568),
            ("si7020", "humidityrelative", 45.5),
            ("i2c-7/7-0040", "voltage2", 1.8),
            ("si7020", "pressure", 101.3),
        ] {
            let Sample::Value(read) = Iio::new(sysfs.path(), device, channel).read() else { panic!("{channel}") };
            assert!((read - value).abs() < 1e-9, "{channel}: {read}");
        }
    }

    #[test]
    fn a_device_that_vanishes_is_absent_and_found_again_under_another_number() {
        let sysfs = made_up(&[("in_temp_input", "21000\n")]);
        let mut iio = Iio::new(sysfs.path(), "7-0040", "temp");
        assert_eq!(iio.read(), Sample::Value(21.0));
        unplug(sysfs.path(), 0);
        assert_eq!(iio.read(), Sample::Absent);
        plug(sysfs.path(), 3, &[("in_temp_input", "22000\n")]);
        assert_eq!(iio.read(), Sample::Value(22.0));
        unplug(sysfs.path(), 3);
        plug(sysfs.path(), 4, &[("in_temp_input", "23000\n")]);
        assert_eq!(iio.read(), Sample::Value(23.0), "at once, when it has moved between two readings");
    }

    #[test]
    fn a_channel_that_is_not_there_says_which_are() {
        let sysfs = made_up(&[("in_temp_input", "21000\n"), ("in_humidityrelative_raw", "1\n")]);
        let sample = Iio::new(sysfs.path(), "si7020", "pressure").read();
        let text = "si7020 has no channel `pressure`; it has humidityrelative, temp";
        assert_eq!(sample, Sample::Error(text.to_owned()));
    }
}
