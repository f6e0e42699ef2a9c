//! What can be read from and told to a simulated board, by name. Names are parsed once, at the edge, into these.

use std::fmt;

use ubmc_core::{power::Direction, sensors::SensorKind};

use super::{SimConfig, refusal::nearest};

/// Something that a sensor of the board measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Air in front of the machine.
    InletTemp,
    /// Air behind it.
    OutletTemp,
    /// The controller's own chip.
    BmcTemp,
    /// Of a host.
    Host(usize, HostQuantity),
    /// Of a supply.
    Psu(usize, PsuQuantity),
    /// Volts of a rail.
    Rail(Rail),
    /// Of a fan, in RPM.
    FanSpeed(usize),
}

/// What is measured of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostQuantity {
    /// °C of the die; cannot be read while the host is off.
    CpuTemp,
    /// °C of the hottest memory module; cannot be read while the host is off.
    DimmTemp,
    /// °C of the core regulator; cannot be read while the host is off.
    VrmTemp,
    /// W drawn from the 12 V rail.
    Power,
    /// V at the core.
    Vcore,
}

/// What is measured of a supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PsuQuantity {
    /// °C inside.
    Temp,
    /// W drawn from the mains.
    Power,
    /// V of the mains.
    Vin,
}

/// A voltage rail of the chassis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rail {
    /// 12 V, main.
    P12v,
    /// 5 V, main.
    P5v,
    /// 3.3 V, main.
    P3v3,
    /// 3.3 V, standby.
    P3v3Stby,
}

/// A signal line of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// Of the chassis.
    Chassis(PowerLine),
    /// Power of a host.
    HostPower(usize, PowerLine),
    /// What else a host has.
    Host(usize, HostLine),
    /// Of a supply.
    Psu(usize, PsuLine),
    /// Of a rail that the BMC switches: only when the machine leaves that to it.
    Rail(Rail, PowerLine),
}

/// The pair of lines that everything switchable has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PowerLine {
    /// Driven by the BMC: held high for on.
    Control,
    /// High when power is there and good.
    Good,
}

/// Lines of a host besides power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostLine {
    /// High when its firmware is through and the system runs.
    PostComplete,
    /// Rising: the system is asked to shut down; it removes its own power when it has.
    ShutdownRequest,
    /// Held in reset while high.
    Reset,
    /// Rising: a diagnostic interrupt; the host writes a dump and goes on.
    Nmi,
}

/// Lines of a supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PsuLine {
    /// High when plugged in.
    Present,
    /// High when it has mains and no fault: it can give power.
    Good,
}

/// What sensors and the fan chip hang on. A bus that hangs takes its own sensors along, no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bus {
    /// Of the chassis: air, BMC, rails.
    Board,
    /// Of a host.
    Host(usize),
    /// Of all supplies.
    Psu,
    /// The fan chip: speeds and duties.
    FanChip,
}

impl HostQuantity {
    const ALL: [Self; 5] = [Self::CpuTemp, Self::DimmTemp, Self::VrmTemp, Self::Power, Self::Vcore];

    const fn as_str(self) -> &'static str {
        match self {
            Self::CpuTemp => "cpu_temp",
            Self::DimmTemp => "dimm_temp",
            Self::VrmTemp => "vrm_temp",
            Self::Power => "power",
            Self::Vcore => "vcore",
        }
    }
}

impl PsuQuantity {
    const ALL: [Self; 3] = [Self::Temp, Self::Power, Self::Vin];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Temp => "temp",
            Self::Power => "power",
            Self::Vin => "vin",
        }
    }
}

impl Rail {
    pub(crate) const ALL: [Self; 4] = [Self::P12v, Self::P5v, Self::P3v3, Self::P3v3Stby];
    /// Those that can be switched, each fed by the first.
    pub(crate) const SWITCHED: [Self; 3] = [Self::P12v, Self::P5v, Self::P3v3];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::P12v => "p12v",
            Self::P5v => "p5v",
            Self::P3v3 => "p3v3",
            Self::P3v3Stby => "p3v3_stby",
        }
    }
}

impl PowerLine {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "power_control",
            Self::Good => "power_good",
        }
    }
}

impl HostLine {
    const ALL: [Self; 4] = [Self::PostComplete, Self::ShutdownRequest, Self::Reset, Self::Nmi];

    const fn as_str(self) -> &'static str {
        match self {
            Self::PostComplete => "post_complete",
            Self::ShutdownRequest => "shutdown_request",
            Self::Reset => "reset",
            Self::Nmi => "nmi",
        }
    }
}

impl PsuLine {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Good => "good",
        }
    }
}

impl Quantity {
    /// Every quantity of that machine, in the order in which people read them.
    pub fn all(config: &SimConfig) -> impl Iterator<Item = Self> {
        let hosts = (0..config.hosts.count)
            .flat_map(|host| HostQuantity::ALL.into_iter().map(move |quantity| Self::Host(host, quantity)));
        let supplies = (0..config.supplies.count)
            .flat_map(|psu| PsuQuantity::ALL.into_iter().map(move |quantity| Self::Psu(psu, quantity)));
        [Self::InletTemp, Self::OutletTemp, Self::BmcTemp]
            .into_iter()
            .chain(hosts)
            .chain(supplies)
            .chain(Rail::ALL.into_iter().map(Self::Rail))
            .chain((0..config.fans.count).map(Self::FanSpeed))
    }

    /// The quantity of that name. Only letters and digits count and `rail.` may be left out, so that the names of
    /// shipped sensors (`host0_cpu_temp`, `p12v`) are understood too.
    ///
    /// # Errors
    /// The nearest name there is, when it is near enough.
    pub fn find(name: &str, config: &SimConfig) -> Result<Self, Option<String>> {
        find(name, Self::all(config))
    }

    /// What it is; the unit follows from it.
    pub const fn kind(self) -> SensorKind {
        match self {
            Self::InletTemp | Self::OutletTemp | Self::BmcTemp => SensorKind::Temperature,
            Self::Host(_, quantity) => match quantity {
                HostQuantity::CpuTemp | HostQuantity::DimmTemp | HostQuantity::VrmTemp => SensorKind::Temperature,
                HostQuantity::Power => SensorKind::Power,
                HostQuantity::Vcore => SensorKind::Voltage,
            },
            Self::Psu(_, quantity) => match quantity {
                PsuQuantity::Temp => SensorKind::Temperature,
                PsuQuantity::Power => SensorKind::Power,
                PsuQuantity::Vin => SensorKind::Voltage,
            },
            Self::Rail(_) => SensorKind::Voltage,
            Self::FanSpeed(_) => SensorKind::FanSpeed,
        }
    }

    /// Where its sensor hangs.
    pub const fn bus(self) -> Bus {
        match self {
            Self::InletTemp | Self::OutletTemp | Self::BmcTemp | Self::Rail(_) => Bus::Board,
            Self::Host(host, _) => Bus::Host(host),
            Self::Psu(..) => Bus::Psu,
            Self::FanSpeed(_) => Bus::FanChip,
        }
    }
}

impl Line {
    /// Every line of that machine.
    pub fn all(config: &SimConfig) -> impl Iterator<Item = Self> {
        let hosts = (0..config.hosts.count).flat_map(|host| {
            [Self::HostPower(host, PowerLine::Control), Self::HostPower(host, PowerLine::Good)]
                .into_iter()
                .chain(HostLine::ALL.into_iter().map(move |line| Self::Host(host, line)))
        });
        let supplies = (0..config.supplies.count)
            .flat_map(|psu| [Self::Psu(psu, PsuLine::Present), Self::Psu(psu, PsuLine::Good)]);
        let rails = if config.switched_rails { Rail::SWITCHED.as_slice() } else { &[] };
        let rails =
            rails.iter().flat_map(|rail| [PowerLine::Control, PowerLine::Good].map(|line| Self::Rail(*rail, line)));
        [Self::Chassis(PowerLine::Control), Self::Chassis(PowerLine::Good)]
            .into_iter()
            .chain(hosts)
            .chain(supplies)
            .chain(rails)
    }

    /// The line of that name, found as leniently as [`Quantity::find`].
    ///
    /// # Errors
    /// The nearest name there is, when it is near enough.
    pub fn find(name: &str, config: &SimConfig) -> Result<Self, Option<String>> {
        find(name, Self::all(config))
    }

    /// Who drives it.
    pub const fn direction(self) -> Direction {
        match self {
            Self::Chassis(PowerLine::Control)
            | Self::HostPower(_, PowerLine::Control)
            | Self::Rail(_, PowerLine::Control)
            | Self::Host(_, HostLine::ShutdownRequest | HostLine::Reset | HostLine::Nmi) => Direction::Output,
            Self::Chassis(PowerLine::Good)
            | Self::HostPower(_, PowerLine::Good)
            | Self::Rail(_, PowerLine::Good)
            | Self::Host(_, HostLine::PostComplete)
            | Self::Psu(..) => Direction::Input,
        }
    }
}

impl Bus {
    /// Every bus of that machine.
    pub fn all(config: &SimConfig) -> impl Iterator<Item = Self> {
        [Self::Board].into_iter().chain((0..config.hosts.count).map(Self::Host)).chain([Self::Psu, Self::FanChip])
    }

    /// The bus of that name, found as leniently as [`Quantity::find`].
    ///
    /// # Errors
    /// The nearest name there is, when it is near enough.
    pub fn find(name: &str, config: &SimConfig) -> Result<Self, Option<String>> {
        find(name, Self::all(config))
    }
}

/// The number of the fan called `name` (`fan.0`).
///
/// # Errors
/// The nearest name there is, when it is near enough.
pub fn find_fan(name: &str, config: &SimConfig) -> Result<usize, Option<String>> {
    let fans: Vec<_> = (0..config.fans.count).map(|fan| format!("fan.{fan}")).collect();
    fans.iter().position(|fan| letters(fan) == letters(name)).ok_or_else(|| nearest(name, fans))
}

/// The number of the supply called `name` (`psu.0`).
///
/// # Errors
/// The nearest name there is, when it is near enough.
pub fn find_psu(name: &str, config: &SimConfig) -> Result<usize, Option<String>> {
    let supplies: Vec<_> = (0..config.supplies.count).map(|psu| format!("psu.{psu}")).collect();
    supplies.iter().position(|psu| letters(psu) == letters(name)).ok_or_else(|| nearest(name, supplies))
}

/// What is compared of a name.
pub(super) fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

pub(super) fn find<T: Copy + fmt::Display>(name: &str, all: impl Iterator<Item = T>) -> Result<T, Option<String>> {
    let wanted = letters(name);
    let all: Vec<_> = all.collect();
    all.iter()
        .find(|candidate| {
            let letters = letters(&candidate.to_string());
            letters == wanted || letters.strip_prefix("rail") == Some(&wanted)
        })
        .copied()
        .ok_or_else(|| nearest(name, all.iter().map(ToString::to_string)))
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InletTemp => f.write_str("inlet_temp"),
            Self::OutletTemp => f.write_str("outlet_temp"),
            Self::BmcTemp => f.write_str("bmc_temp"),
            Self::Host(host, quantity) => write!(f, "host.{host}.{}", quantity.as_str()),
            Self::Psu(psu, quantity) => write!(f, "psu.{psu}.{}", quantity.as_str()),
            Self::Rail(rail) => write!(f, "rail.{}", rail.as_str()),
            Self::FanSpeed(fan) => write!(f, "fan.{fan}.speed"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chassis(line) => write!(f, "chassis.{}", line.as_str()),
            Self::HostPower(host, line) => write!(f, "host.{host}.{}", line.as_str()),
            Self::Host(host, line) => write!(f, "host.{host}.{}", line.as_str()),
            Self::Psu(psu, line) => write!(f, "psu.{psu}.{}", line.as_str()),
            Self::Rail(rail, line) => write!(f, "rail.{}.{}", rail.as_str(), line.as_str()),
        }
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Board => f.write_str("i2c-board"),
            Self::Host(host) => write!(f, "i2c-host{host}"),
            Self::Psu => f.write_str("i2c-psu"),
            Self::FanChip => f.write_str("fan-chip"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_itself_and_only_once() {
        let config = SimConfig::default();
        for quantity in Quantity::all(&config) {
            assert_eq!(Quantity::find(&quantity.to_string(), &config), Ok(quantity));
        }
        for line in Line::all(&config) {
            assert_eq!(Line::find(&line.to_string(), &config), Ok(line));
        }
        for bus in Bus::all(&config) {
            assert_eq!(Bus::find(&bus.to_string(), &config), Ok(bus));
        }
    }

    #[test]
    fn names_of_shipped_sensors_are_understood() {
        let config = SimConfig::default();
        for (name, quantity) in [
            ("host1_cpu_temp", "host.1.cpu_temp"),
            ("psu0_power", "psu.0.power"),
            ("fan5_speed", "fan.5.speed"),
            ("p3v3_stby", "rail.p3v3_stby"),
        ] {
            assert_eq!(Quantity::find(name, &config).map(|found| found.to_string()), Ok(quantity.to_owned()));
        }
        assert_eq!(Line::find("host0-power-good", &config), Ok(Line::HostPower(0, PowerLine::Good)));
        assert_eq!(find_fan("fan3", &config), Ok(3));
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        let config = SimConfig::default();
        assert_eq!(Quantity::find("host.0.cpu_tmp", &config), Err(Some("host.0.cpu_temp".into())));
        assert_eq!(Quantity::find("host.7.cpu_temp", &config), Err(Some("host.0.cpu_temp".into())));
        assert_eq!(Quantity::find("gyroscope of the ship", &config), Err(None));
        assert_eq!(find_fan("fan.9", &config), Err(Some("fan.0".into())));
    }
}
