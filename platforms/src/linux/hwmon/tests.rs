//! Channels, limits and fan outputs on a made-up tree.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use ubmc_core::{input::Sample, units::Duty};

use super::{
    Device,
    channel::Channel,
    limits::{self, HwmonLimits},
    pwm::Pwm,
};
use crate::board::HwmonDevice;

/// `device` is e.g. `i2c-7/7-0052`.
fn plug(root: &Path, number: u32, device: &str, files: &[(&str, &str)]) -> PathBuf {
    let entry = format!("hwmon{number}");
    let own = root.join("devices").join(device).join("hwmon").join(&entry);
    let class = root.join("class/hwmon");
    fs::create_dir_all(&own).unwrap();
    fs::create_dir_all(&class).unwrap();
    symlink(root.join("devices").join(device), own.join("device")).unwrap();
    symlink(&own, class.join(&entry)).unwrap();
    fs::write(own.join("name"), "chip\n").unwrap();
    for (file, text) in files {
        fs::write(own.join(file), text).unwrap();
    }
    own
}

fn unplug(root: &Path, number: u32, device: &str) {
    fs::remove_file(root.join(format!("class/hwmon/hwmon{number}"))).unwrap();
    fs::remove_dir_all(root.join("devices").join(device)).unwrap();
}

fn at(root: &Path, path: &str) -> Device {
    Device::new(root, HwmonDevice { path: Some(path.to_owned()), name: None })
}

#[test]
fn values_have_our_units() {
    let sysfs = tempfile::tempdir().unwrap();
    let files = [
        ("temp1_input", "43500\n"),
        ("temp2_input", "-5250\n"),
        ("temp2_label", "CPU\n"),
        ("in0_input", "12080\n"),
        ("curr1_input", "1500\n"),
        ("power1_average", "250000000\n"),
        ("fan1_input", "7200\n"),
        ("fan1_fault", "0\n"),
        ("fan1_alarm", "1\n"),
        ("humidity1_input", "45500\n"),
        ("temp1_crit_alarm", "0\n"),
        ("temp1_crit", "95000\n"),
    ];
    plug(sysfs.path(), 3, "i2c-7/7-0052", &files);
    let mut device = at(sysfs.path(), "7-0052");
    for (channel, value) in [
        ("temp1", 43.5),
        ("temp2", -5.25),
        ("label:CPU", -5.25),
        ("in0", 12.08),
        ("curr1", 1.5),
        ("power1", 250.0),
        ("fan1", 7200.0),
        ("humidity1", 45.5),
        ("fan1_alarm", 1.0),
        ("temp1_crit_alarm", 0.0),
        ("temp1_crit", 95.0),
    ] {
        assert_eq!(Channel::new(channel).read(&mut device), Sample::Value(value), "{channel}");
    }
}

#[test]
fn what_cannot_be_a_value_says_why() {
    let sysfs = tempfile::tempdir().unwrap();
    let files = [
        ("temp1_input", "43500\n"),
        ("temp2_input", "21000\n"),
        ("temp2_fault", "1\n"),
        ("fan1_input", "rubbish\n"),
        ("in0_input", "\n"),
    ];
    let own = plug(sysfs.path(), 3, "i2c-7/7-0052", &files);
    let mut device = at(sysfs.path(), "7-0052");
    let folder = sysfs.path().join("class/hwmon/hwmon3");
    for (channel, text) in [
        ("temp2", "temp2: temp2_fault is set: the sensor is open or shorted, or the fan does not turn".to_owned()),
        ("fan1", "fan1: fan1_input says `rubbish`, not a number".to_owned()),
        ("in0", "in0: in0_input says ``, not a number".to_owned()),
        ("temp9", format!("{} has no channel `temp9`; it has fan1, in0, temp1, temp2", folder.display())),
        ("label:CPU", format!("{} has no channel `label:CPU`; it has fan1, in0, temp1, temp2", folder.display())),
    ] {
        assert_eq!(Channel::new(channel).read(&mut device), Sample::Error(text), "{channel}");
    }
    // The same channel is good again as soon as the chip says so.
    let mut channel = Channel::new("temp2");
    assert!(matches!(channel.read(&mut device), Sample::Error(_)));
    fs::write(own.join("temp2_fault"), "0\n").unwrap();
    assert_eq!(channel.read(&mut device), Sample::Value(21.0));
}

#[test]
fn a_device_that_is_absent_late_moved_or_replaced_is_never_mistaken() {
    let sysfs = tempfile::tempdir().unwrap();
    let root = sysfs.path();
    let (mut device, mut channel) = (at(root, "3-0068"), Channel::new("temp1"));
    assert_eq!(channel.read(&mut device), Sample::Absent, "not there yet");
    plug(root, 0, "i2c-3/3-0068", &[("temp1_input", "30000\n")]);
    assert_eq!(channel.read(&mut device), Sample::Value(30.0), "it came late");
    unplug(root, 0, "i2c-3/3-0068");
    plug(root, 0, "i2c-4/4-0048", &[("temp1_input", "99000\n")]);
    assert_eq!(channel.read(&mut device), Sample::Absent, "another chip has its number");
    plug(root, 7, "i2c-3/3-0068", &[("temp1_input", "31000\n")]);
    assert_eq!(channel.read(&mut device), Sample::Value(31.0), "it is back under another number");
    unplug(root, 7, "i2c-3/3-0068");
    plug(root, 8, "i2c-3/3-0068", &[("temp1_input", "32000\n")]);
    assert_eq!(channel.read(&mut device), Sample::Value(32.0), "it moved between two readings");
}

#[test]
fn a_channel_that_is_found_by_label_is_looked_up_again_on_a_new_device() {
    let sysfs = tempfile::tempdir().unwrap();
    let root = sysfs.path();
    let (mut device, mut channel) = (at(root, "3-0068"), Channel::new("label:vin"));
    plug(root, 0, "i2c-3/3-0068", &[("in1_input", "1000\n"), ("in1_label", "vin\n")]);
    assert_eq!(channel.read(&mut device), Sample::Value(1.0));
    unplug(root, 0, "i2c-3/3-0068");
    plug(root, 0, "i2c-3/3-0068", &[("in1_input", "1\n"), ("in2_input", "2000\n"), ("in2_label", "vin\n")]);
    assert_eq!(channel.read(&mut device), Sample::Value(2.0));
}

#[test]
fn a_chip_has_the_limits_and_alarms_that_it_has() {
    let sysfs = tempfile::tempdir().unwrap();
    let files = [
        ("temp1_input", "43500\n"),
        ("temp1_max", "80000\n"),
        ("temp1_max_hyst", "75000\n"),
        ("temp1_crit", "95000\n"),
        ("temp1_emergency", "rubbish\n"),
        ("temp1_max_alarm", "1\n"),
        ("temp1_crit_alarm", "0\n"),
        ("in0_input", "12080\n"),
        ("in0_min", "11400\n"),
        ("in0_lcrit", "10800\n"),
        ("in0_alarm", "1\n"),
    ];
    plug(sysfs.path(), 3, "i2c-7/7-0052", &files);
    let mut device = at(sysfs.path(), "7-0052");
    for (channel, expected) in [
        (
            "temp1",
            HwmonLimits {
                max: Some(80.0),
                max_hyst: Some(75.0),
                crit: Some(95.0),
                alarms: vec!["max_alarm".to_owned()],
                ..HwmonLimits::default()
            },
        ),
        (
            "in0",
            HwmonLimits {
                min: Some(11.4),
                lcrit: Some(10.8),
                alarms: vec!["alarm".to_owned()],
                ..HwmonLimits::default()
            },
        ),
    ] {
        assert_eq!(limits::read(&mut device, &mut Channel::new(channel)).unwrap(), expected, "{channel}");
    }
    let error = limits::read(&mut at(sysfs.path(), "7-0053"), &mut Channel::new("temp1")).unwrap_err();
    assert!(error.to_string().starts_with("there is no hwmon device 7-0053:"), "{error}");
}

#[test]
fn a_fan_output_is_taken_over_before_it_is_written_and_again_when_somebody_took_it() {
    let sysfs = tempfile::tempdir().unwrap();
    let root = sysfs.path();
    let says = |own: &Path, file: &str| fs::read_to_string(own.join(file)).unwrap().trim().to_owned();
    let mut pwm = Pwm::new(at(root, "7-0052"), "pwm1");
    let error = pwm.set(Duty::FULL).unwrap_err().to_string();
    assert!(error.starts_with("there is no hwmon device 7-0052:"), "{error}");
    let own = plug(root, 3, "i2c-7/7-0052", &[("pwm1", "255\n"), ("pwm1_enable", "2\n")]);
    pwm.set(Duty::new(40.0)).unwrap();
    assert_eq!((says(&own, "pwm1"), says(&own, "pwm1_enable")), ("102".into(), "1".into()));
    // The chip was reset, and runs at full speed by itself.
    fs::write(own.join("pwm1_enable"), "0\n").unwrap();
    pwm.set(Duty::new(3.0)).unwrap();
    assert_eq!((says(&own, "pwm1"), says(&own, "pwm1_enable")), ("8".into(), "1".into()));
    unplug(root, 3, "i2c-7/7-0052");
    let own = plug(root, 5, "i2c-7/7-0052", &[("pwm1", "255\n")]);
    pwm.set(Duty::OFF).unwrap();
    assert_eq!(says(&own, "pwm1"), "0", "found under its new number at once; one that has no mode is written as it is");
}

#[test]
fn a_fan_output_that_does_not_take_its_duty_says_at_what_it_failed() {
    let sysfs = tempfile::tempdir().unwrap();
    let own = plug(sysfs.path(), 3, "i2c-7/7-0052", &[("pwm1", "255\n")]);
    // A folder cannot be read as a file, whoever asks.
    fs::create_dir(own.join("pwm1_enable")).unwrap();
    let error = Pwm::new(at(sysfs.path(), "7-0052"), "pwm1").set(Duty::FULL).unwrap_err().to_string();
    assert!(error.starts_with("pwm1 of "), "{error}");
    assert!(error.contains("hwmon3: asking who controls it: "), "{error}");
    let error = Pwm::new(at(sysfs.path(), "7-0052"), "pwm2").set(Duty::FULL).unwrap_err().to_string();
    assert!(error.contains("hwmon3: writing its duty: No such file"), "{error}");
}
