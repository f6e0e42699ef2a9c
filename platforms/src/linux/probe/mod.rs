//! What a machine has, for whoever writes its board file.
//!
//! Code map
//! - `mod`      looking: names and values are read, nothing is requested, driven or changed
//! - `listing`  all of it as text, with the names that a board file takes
//! - `draft`    a first board file that `ubmcd --check` accepts; pure

mod draft;
mod listing;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    attributes::{Folder, names_in},
    gpio::{self, ChipListing},
    hwmon, iio,
};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// I²C buses, by number.
    pub(super) buses: Vec<Bus>,
    pub(super) hwmon: Vec<Chip>,
    pub(super) iio: Vec<Chip>,
    pub(super) gpio: Vec<ChipListing>,
    pub(super) leds: Vec<Led>,
    pub(super) watchdogs: Vec<Watchdog>,
    /// What could not be looked at, one sentence each.
    pub(super) problems: Vec<String>,
}

/// An I²C bus.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bus {
    pub(super) number: u32,
    /// What its adapter calls itself.
    pub(super) adapter: String,
    pub(super) devices: Vec<Declared>,
}

/// A device that the kernel knows of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Declared {
    /// e.g. `7-0052`.
    pub(super) at: String,
    /// What the device tree calls it.
    pub(super) kind: String,
    /// Absent: the device does not answer, or its driver is not there.
    pub(super) driver: Option<String>,
}

/// A hwmon or IIO device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chip {
    /// The end of its device path that tells it from all others, e.g. `7-0052`.
    pub(super) at: String,
    pub(super) name: String,
    pub(super) label: Option<String>,
    pub(super) channels: Vec<Reading>,
    /// Fan outputs, e.g. `pwm1`.
    pub(super) outputs: Vec<String>,
}

/// A channel as it is now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    /// e.g. `temp1`.
    pub(super) channel: String,
    pub(super) label: Option<String>,
    /// With its unit, or why there is none.
    pub(super) value: String,
}

/// An LED.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Led {
    pub(super) name: String,
    /// Whether the kernel can blink it.
    pub(super) blinks: bool,
}

/// A watchdog.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Watchdog {
    /// e.g. `/dev/watchdog0`.
    pub(super) device: String,
    /// What its driver calls itself.
    pub(super) identity: String,
    /// Seconds, as it is set now; empty when it does not say.
    pub(super) timeout: String,
}

impl Machine {
    /// Looks at everything below `sysfs`, and at the GPIO chips in `/dev`.
    pub fn survey(sysfs: &Path) -> Self {
        let (gpio, problems) = gpio::survey();
        let mut machine = Self::below(sysfs);
        machine.gpio = gpio;
        machine.problems.extend(problems);
        machine
    }

    fn below(sysfs: &Path) -> Self {
        Self {
            buses: buses(sysfs),
            hwmon: hwmon_chips(sysfs),
            iio: iio_chips(sysfs),
            gpio: Vec::new(),
            leds: leds(sysfs),
            watchdogs: watchdogs(sysfs),
            problems: Vec::new(),
        }
    }
}

fn text(dir: &Path, file: &str) -> Option<String> {
    fs::read_to_string(dir.join(file)).ok().map(|text| text.trim().to_owned())
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn buses(sysfs: &Path) -> Vec<Bus> {
    let all = sysfs.join("bus/i2c/devices");
    let entries = names_in(&all);
    let on_bus = |number: u32| {
        let prefix = format!("{number}-");
        let declared = |at: &String| Declared {
            kind: text(&all.join(at), "name").unwrap_or_default(),
            driver: fs::read_link(all.join(at).join("driver")).ok().map(|link| file_name(&link)),
            at: at.clone(),
        };
        entries.iter().filter(|entry| entry.starts_with(&prefix)).map(declared).collect()
    };
    let bus = |entry: &String| {
        let number = entry.strip_prefix("i2c-")?.parse().ok()?;
        Some(Bus { number, adapter: text(&all.join(entry), "name").unwrap_or_default(), devices: on_bus(number) })
    };
    entries.iter().filter_map(bus).collect()
}

/// The shortest end of a device's path that no other device has.
fn distinct_end(device: &Path, all: &[PathBuf]) -> String {
    let parts = device.components().count();
    let end = |count: usize| device.components().skip(parts.saturating_sub(count)).collect::<PathBuf>();
    let alone = |end: &PathBuf| all.iter().filter(|other| other.ends_with(end)).count() <= 1;
    (1..=parts).map(end).find(alone).unwrap_or_else(|| device.to_owned()).display().to_string()
}

fn hwmon_chips(sysfs: &Path) -> Vec<Chip> {
    let found = hwmon::survey(sysfs);
    let paths: Vec<_> = found.iter().map(|found| found.device.clone()).collect();
    let chip = |found: hwmon::Found| {
        let folder = Folder::open(&found.dir).ok()?;
        let reading = |channel: String| Reading {
            label: folder.read(&format!("{channel}_label")).ok(),
            value: hwmon::channel::show(&folder, &channel),
            channel,
        };
        Some(Chip {
            at: distinct_end(&found.device, &paths),
            name: found.name,
            label: found.label,
            channels: hwmon::channel::channels(&folder).into_iter().map(reading).collect(),
            outputs: folder.files().into_iter().filter(|file| is_output(file)).collect(),
        })
    };
    let mut chips: Vec<_> = found.into_iter().filter_map(chip).collect();
    chips.sort_by_key(|chip| super::attributes::natural(&chip.at));
    chips
}

/// `pwm1`, and not `pwm1_enable`.
fn is_output(file: &str) -> bool {
    file.strip_prefix("pwm")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn iio_chips(sysfs: &Path) -> Vec<Chip> {
    let found = iio::survey(sysfs);
    let paths: Vec<_> = found.iter().map(|found| found.device.clone()).collect();
    let chip = |found: iio::Found| {
        let folder = Folder::open(&found.dir).ok()?;
        let at = distinct_end(&found.device, &paths);
        let reading = |channel: String| Reading { label: None, value: iio::show(&folder, &channel), channel };
        let channels = iio::channels(&folder).into_iter().map(reading).collect();
        Some(Chip { at, name: found.name, label: None, channels, outputs: Vec::new() })
    };
    found.into_iter().filter_map(chip).collect()
}

fn leds(sysfs: &Path) -> Vec<Led> {
    let class = sysfs.join("class/leds");
    let blinks = |name: &str| text(&class.join(name), "trigger").is_some_and(|all| all.contains("timer"));
    names_in(&class).into_iter().map(|name| Led { blinks: blinks(&name), name }).collect()
}

fn watchdogs(sysfs: &Path) -> Vec<Watchdog> {
    let class = sysfs.join("class/watchdog");
    let watchdog = |name: String| Watchdog {
        identity: text(&class.join(&name), "identity").unwrap_or_default(),
        timeout: text(&class.join(&name), "timeout").unwrap_or_default(),
        device: format!("/dev/{name}"),
    };
    names_in(&class).into_iter().map(watchdog).collect()
}
