//! The limits that a chip or its driver has for a channel.

use ubmc_core::input::Limits;

use super::{
    super::LinuxError,
    Device,
    channel::{Channel, number},
};

/// Limits of a hwmon channel, in the sensor's unit (°C, V, A, W, RPM, %). Absent: the chip has no such limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HwmonLimits {
    /// `_min`: low warning.
    pub min: Option<f64>,
    /// `_max`: high warning.
    pub max: Option<f64>,
    /// `_lcrit`: low critical.
    pub lcrit: Option<f64>,
    /// `_crit`: high critical.
    pub crit: Option<f64>,
    /// `_emergency`: above critical, where hardware protects itself.
    pub emergency: Option<f64>,
    /// `_max_hyst`: where the high warning ends. An absolute value, not a distance.
    pub max_hyst: Option<f64>,
    /// `_crit_hyst`: where the high critical ends. An absolute value.
    pub crit_hyst: Option<f64>,
    /// Which alarms are set now, e.g. `crit_alarm`, or `alarm` for one that does not say which.
    pub alarms: Vec<String>,
}

impl From<HwmonLimits> for Limits {
    fn from(of: HwmonLimits) -> Self {
        // The core knows a distance; the chip says where the warning ends.
        let hysteresis = of.max.zip(of.max_hyst).map(|(max, ends)| max - ends).filter(|distance| *distance > 0.0);
        Self {
            warning_high: of.max,
            critical_high: of.crit,
            fatal_high: of.emergency,
            warning_low: of.min,
            critical_low: of.lcrit,
            fatal_low: None,
            hysteresis,
        }
    }
}

const ALARMS: [&str; 6] = ["alarm", "min_alarm", "max_alarm", "lcrit_alarm", "crit_alarm", "emergency_alarm"];

/// Those of a channel. What cannot be read is as if the chip did not have it.
pub(in crate::linux) fn read(device: &mut Device, channel: &mut Channel) -> Result<HwmonLimits, LinuxError> {
    let (folder, find) = device.folder()?;
    let files = channel.files(folder, find)?;
    let limit = |end: &str| {
        let file = format!("{}_{end}", files.base);
        number(folder, &file).ok().map(|raw| raw / files.divisor).filter(|value| value.is_finite())
    };
    let set = |end: &&str| folder.read(&format!("{}_{end}", files.base)).is_ok_and(|text| text == "1");
    Ok(HwmonLimits {
        min: limit("min"),
        max: limit("max"),
        lcrit: limit("lcrit"),
        crit: limit("crit"),
        emergency: limit("emergency"),
        max_hyst: limit("max_hyst"),
        crit_hyst: limit("crit_hyst"),
        alarms: ALARMS.iter().filter(|end| set(end)).map(|end| (*end).to_owned()).collect(),
    })
}
