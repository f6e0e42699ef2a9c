//! hwmon: chips that the kernel has a driver for, found by what does not change from boot to boot.
//!
//! Code map
//! - `mod`      finding a device, and finding it again
//! - `channel`  reading one of its channels
//! - `limits`   the limits and alarms it has for one
//! - `pwm`      its fan outputs
//!
//! Source: <https://docs.kernel.org/hwmon/sysfs-interface.html>.

pub(super) mod channel;
pub(super) mod limits;
pub(super) mod pwm;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    LinuxError,
    attributes::{Folder, names_in},
};
use crate::board::HwmonDevice;

/// A device of the hwmon class as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its folder below `class/hwmon`.
    pub(super) dir: PathBuf,
    /// Where the device itself is, e.g. `…/i2c-7/7-0052`.
    pub(super) device: PathBuf,
    /// What its `name` file says.
    pub(super) name: String,
    /// What its `label` file says, which comes from the device tree. Often absent.
    pub(super) label: Option<String>,
}

/// All of them.
pub(super) fn survey(sysfs: &Path) -> Vec<Found> {
    let class = sysfs.join("class/hwmon");
    names_in(&class)
        .into_iter()
        .map(|entry| {
            let dir = class.join(entry);
            let text = |file: &str| fs::read_to_string(dir.join(file)).ok().map(|text| text.trim().to_owned());
            // One without a device behind it, such as that of a thermal zone, stands for itself.
            let device = fs::canonicalize(dir.join("device")).or_else(|_| fs::canonicalize(&dir));
            Found {
                device: device.unwrap_or_else(|_| dir.clone()),
                name: text("name").unwrap_or_default(),
                label: text("label"),
                dir,
            }
        })
        .collect()
}

impl Found {
    fn is(&self, wanted: &HwmonDevice) -> bool {
        let path = wanted.path.as_ref().is_none_or(|path| self.device.ends_with(path.trim_matches('/')));
        let named = |name: &String| self.name == *name || self.label.as_ref() == Some(name);
        path && wanted.name.as_ref().is_none_or(named)
    }
}

/// A device that is looked for when it is needed, and again after it went away.
#[derive(Debug)]
pub(super) struct Device {
    sysfs: PathBuf,
    wanted: HwmonDevice,
    folder: Option<Folder>,
    /// Counts how often it was found: what was learned of an earlier find holds no more.
    finds: u32,
}

impl Device {
    pub(super) fn new(sysfs: &Path, wanted: HwmonDevice) -> Self {
        Self { sysfs: sysfs.to_owned(), wanted, folder: None, finds: 0 }
    }

    /// Where it is; it is looked for when that is not known.
    pub(super) fn folder(&mut self) -> Result<(&Folder, u32), LinuxError> {
        if self.folder.is_none() {
            let found = find(&survey(&self.sysfs), &self.wanted)?;
            let folder = Folder::open(&found).map_err(|_| self.absent())?;
            self.folder = Some(folder);
            self.finds = self.finds.wrapping_add(1);
        }
        self.folder.as_ref().map(|folder| (folder, self.finds)).ok_or_else(|| self.absent())
    }

    /// After an error: whether it is still there. When it is not, it is looked for again next time.
    pub(super) fn check(&mut self) -> bool {
        // Every hwmon device has a name.
        let there = self.folder.as_ref().is_some_and(|folder| folder.read("name").is_ok());
        if !there {
            self.folder = None;
        }
        there
    }

    fn absent(&self) -> LinuxError {
        LinuxError::NoHwmon { device: self.wanted.to_string() }
    }
}

/// The folder of the one device that is meant.
pub(super) fn find(all: &[Found], wanted: &HwmonDevice) -> Result<PathBuf, LinuxError> {
    let mut fitting = all.iter().filter(|found| found.is(wanted));
    match (fitting.next(), fitting.next()) {
        (None, _) => Err(LinuxError::NoHwmon { device: wanted.to_string() }),
        (Some(only), None) => Ok(only.dir.clone()),
        (Some(one), Some(other)) => Err(LinuxError::AmbiguousHwmon {
            device: wanted.to_string(),
            one: one.device.display().to_string(),
            other: other.device.display().to_string(),
        }),
    }
}

#[cfg(test)]
mod finding {
    use super::*;

    fn found(device: &str, name: &str, label: Option<&str>) -> Found {
        let dir = format!("/sys/class/hwmon/of-{}", device.rsplit('/').next().unwrap());
        Found { dir: dir.into(), device: device.into(), name: name.into(), label: label.map(Into::into) }
    }

    #[test]
    fn a_device_is_found_by_the_end_of_its_path_by_name_or_label_and_by_both() {
        let all = [
            found("/sys/devices/platform/ahb/1e78a200.i2c/i2c-4/4-0048", "tmp275", None),
            found("/sys/devices/platform/ahb/1e78a280.i2c/i2c-5/5-0048", "tmp275", Some("inlet")),
            found("/sys/devices/platform/ahb/1e78a380.i2c/i2c-7/7-0052", "max31785a", None),
            found("/sys/devices/virtual/thermal/thermal_zone0/hwmon0", "cpu_thermal", None),
        ];
        for (path, name, expected) in [
            (Some("7-0052"), None, Ok("of-7-0052")),
            (Some("i2c-7/7-0052"), None, Ok("of-7-0052")),
            (None, Some("max31785a"), Ok("of-7-0052")),
            (None, Some("inlet"), Ok("of-5-0048")),
            (Some("4-0048"), Some("tmp275"), Ok("of-4-0048")),
            (None, Some("cpu_thermal"), Ok("of-hwmon0")),
            // Whole parts of a path count.
            (Some("0052"), None, Err("there is no hwmon device 0052:")),
            (Some("3-0068"), None, Err("there is no hwmon device 3-0068:")),
            (Some("4-0048"), Some("lm75"), Err("there is no hwmon device lm75 at 4-0048:")),
            (None, Some("tmp275"), Err("two hwmon devices are tmp275:")),
        ] {
            let wanted = HwmonDevice { path: path.map(Into::into), name: name.map(Into::into) };
            match (find(&all, &wanted), expected) {
                (Ok(dir), Ok(expected)) => assert!(dir.ends_with(expected), "{wanted:?}: {}", dir.display()),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().starts_with(expected), "{wanted:?}: {error}");
                }
                (got, expected) => panic!("{wanted:?}: {got:?}, not {expected:?}"),
            }
        }
    }
}
