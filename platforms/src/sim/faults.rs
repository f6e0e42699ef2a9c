//! What can be made to go wrong on a simulated board.

use std::fmt;

use super::{
    Bus, Line, Quantity, SimConfig,
    names::{PowerLine, Rail, find, find_fan, letters},
    refusal::{SimRefusal, nearest},
};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The sensor does not answer on its bus: there is no such device.
    SensorMissing,
    /// The sensor tells one value for ever. Value: which; absent: the last one.
    SensorStuck,
    /// The sensor tells something that is not a number.
    SensorNan,
    /// The fan stands still, whatever it is told.
    FanFail,
    /// The fan reaches only a part of its speed. Value: the part, 0–1; absent: 0.5.
    FanSlow,
    /// The supply is broken: present, with mains, without output.
    PsuFail,
    /// The supply is pulled out.
    PsuAbsent,
    /// The regulator drops out and stays off until its power-control goes low and high again.
    PowerGoodLost,
    /// The regulator does not come up; one that is up stays up.
    PowerGoodNever,
    /// The line keeps its level, whatever the regulator does. Value: 0 or 1; absent: its present level.
    PowerGoodStuck,
    /// The host's software stands still: no boot, no shutdown, no answer to a diagnostic interrupt.
    HostHang,
    /// Nothing on the bus answers. Value: answers come so many seconds late; absent: never.
    BusHang,
    /// The line keeps its level. Value: 0 or 1; absent: its present level. What the BMC drives does not arrive.
    GpioStuck,
    /// The fan chip refuses duties for this fan; the fan keeps its last one.
    PwmWriteFails,
    /// The mains are gone, of one supply or of all. The standby side is taken to be fed otherwise: else nobody
    /// would be left to tell.
    AcLoss,
}

/// Where a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A sensor.
    Quantity(Quantity),
    /// A fan.
    Fan(usize),
    /// A supply.
    Psu(usize),
    /// All supplies; written `all`.
    AllSupplies,
    /// The chassis.
    Chassis,
    /// A host.
    Host(usize),
    /// A rail that the BMC switches.
    Rail(Rail),
    /// A line.
    Line(Line),
    /// A bus.
    Bus(Bus),
}

/// A fault that is to be, or is, active.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Where.
    pub target: Target,
    /// See the kind. Absent: the kind's default.
    pub value: Option<f64>,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::SensorMissing,
        Self::SensorStuck,
        Self::SensorNan,
        Self::FanFail,
        Self::FanSlow,
        Self::PsuFail,
        Self::PsuAbsent,
        Self::PowerGoodLost,
        Self::PowerGoodNever,
        Self::PowerGoodStuck,
        Self::HostHang,
        Self::BusHang,
        Self::GpioStuck,
        Self::PwmWriteFails,
        Self::AcLoss,
    ];

    /// As the API and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SensorMissing => "sensor-missing",
            Self::SensorStuck => "sensor-stuck",
            Self::SensorNan => "sensor-nan",
            Self::FanFail => "fan-fail",
            Self::FanSlow => "fan-slow",
            Self::PsuFail => "psu-fail",
            Self::PsuAbsent => "psu-absent",
            Self::PowerGoodLost => "power-good-lost",
            Self::PowerGoodNever => "power-good-never",
            Self::PowerGoodStuck => "power-good-stuck",
            Self::HostHang => "host-hang",
            Self::BusHang => "bus-hang",
            Self::GpioStuck => "gpio-stuck",
            Self::PwmWriteFails => "pwm-write-fails",
            Self::AcLoss => "ac-loss",
        }
    }

    /// What it does, with the meaning of its value: one or two sentences.
    pub const fn description(self) -> &'static str {
        match self {
            Self::SensorMissing => "The sensor does not answer: there is no such device.",
            Self::SensorStuck => "The sensor tells one value for ever: the one given, else the last one.",
            Self::SensorNan => "The sensor tells something that is not a number.",
            Self::FanFail => "The fan stands still, whatever it is told.",
            Self::FanSlow => "The fan reaches only a part of its speed: the value, 0–1, else half.",
            Self::PsuFail => "The supply gives nothing, though it is present and has mains.",
            Self::PsuAbsent => "The supply is pulled out.",
            Self::PowerGoodLost => {
                "The regulator drops out, and stays off until its power-control goes low and high again."
            }
            Self::PowerGoodNever => "The regulator does not come up. One that is up stays up.",
            Self::PowerGoodStuck => "The power-good line keeps a level: the value, 0 or 1, else the present one.",
            Self::HostHang => "The host's software stands still: no boot, no shutdown, no answer to an interrupt.",
            Self::BusHang => {
                "Nothing on the bus answers; with a value, answers come so many seconds late. Other buses go on."
            }
            Self::GpioStuck => {
                "The line keeps a level: the value, 0 or 1, else the present one. What the BMC drives does not arrive."
            }
            Self::PwmWriteFails => "The fan chip refuses duties for this fan, which keeps its last one.",
            Self::AcLoss => "The mains are gone, of one supply or of all.",
        }
    }

    /// What may be a target, in words.
    pub const fn takes(self) -> &'static str {
        match self {
            Self::SensorMissing | Self::SensorStuck | Self::SensorNan => "a sensor",
            Self::FanFail | Self::FanSlow | Self::PwmWriteFails => "a fan",
            Self::PsuFail | Self::PsuAbsent => "a supply",
            Self::PowerGoodLost | Self::PowerGoodNever | Self::PowerGoodStuck => "the chassis, a host or a rail",
            Self::HostHang => "a host",
            Self::BusHang => "a bus",
            Self::GpioStuck => "a line",
            Self::AcLoss => "a supply or `all`",
        }
    }

    /// Every target it can be put on.
    pub fn targets(self, config: &SimConfig) -> Vec<Target> {
        let hosts = (0..config.hosts.count).map(Target::Host);
        let supplies = (0..config.supplies.count).map(Target::Psu);
        match self {
            Self::SensorMissing | Self::SensorStuck | Self::SensorNan => {
                Quantity::all(config).map(Target::Quantity).collect()
            }
            Self::FanFail | Self::FanSlow | Self::PwmWriteFails => (0..config.fans.count).map(Target::Fan).collect(),
            Self::PsuFail | Self::PsuAbsent => supplies.collect(),
            Self::PowerGoodLost | Self::PowerGoodNever | Self::PowerGoodStuck => {
                let rails = if config.switched_rails { Rail::SWITCHED.as_slice() } else { &[] };
                [Target::Chassis].into_iter().chain(hosts).chain(rails.iter().copied().map(Target::Rail)).collect()
            }
            Self::HostHang => hosts.collect(),
            Self::BusHang => Bus::all(config).map(Target::Bus).collect(),
            Self::GpioStuck => Line::all(config).map(Target::Line).collect(),
            Self::AcLoss => [Target::AllSupplies].into_iter().chain(supplies).collect(),
        }
    }

    /// Values it takes, with what is said of others.
    const fn values(self) -> (f64, f64, &'static str) {
        match self {
            Self::SensorStuck => (-1e6, 1e6, "a sensor can be stuck between -1e6 and 1e6"),
            Self::FanSlow => (0.0, 1.0, "it is the part of its speed that the fan reaches, 0–1"),
            Self::PowerGoodStuck | Self::GpioStuck => (0.0, 1.0, "a line is stuck at 0 or at 1"),
            Self::BusHang => (0.0, 3600.0, "it is a delay of 0–3600 seconds"),
            Self::SensorMissing
            | Self::SensorNan
            | Self::FanFail
            | Self::PsuFail
            | Self::PsuAbsent
            | Self::PowerGoodLost
            | Self::PowerGoodNever
            | Self::HostHang
            | Self::PwmWriteFails
            | Self::AcLoss => (f64::INFINITY, f64::NEG_INFINITY, "this kind of fault takes no value"),
        }
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// There is none: the refusal names the nearest.
    pub fn parse(name: &str) -> Result<Self, SimRefusal> {
        Self::ALL.into_iter().find(|kind| letters(kind.as_str()) == letters(name)).ok_or_else(|| {
            SimRefusal::UnknownKind {
                kind: name.to_owned(),
                nearest: nearest(name, Self::ALL.into_iter().map(|kind| kind.as_str().to_owned())),
            }
        })
    }

    /// The target of that name, for this kind.
    ///
    /// # Errors
    /// This kind cannot be put there: the refusal names the nearest target it can be put on.
    pub fn parse_target(self, name: &str, config: &SimConfig) -> Result<Target, SimRefusal> {
        let found = match self {
            Self::SensorMissing | Self::SensorStuck | Self::SensorNan => {
                Quantity::find(name, config).map(Target::Quantity)
            }
            Self::FanFail | Self::FanSlow | Self::PwmWriteFails => find_fan(name, config).map(Target::Fan),
            Self::BusHang => Bus::find(name, config).map(Target::Bus),
            Self::GpioStuck => Line::find(name, config).map(Target::Line),
            // The line itself may be named as well as what it belongs to.
            Self::PowerGoodLost | Self::PowerGoodNever | Self::PowerGoodStuck => {
                find(name, self.targets(config).into_iter()).or_else(|hint| match Line::find(name, config) {
                    Ok(Line::Chassis(PowerLine::Good)) => Ok(Target::Chassis),
                    Ok(Line::HostPower(host, PowerLine::Good)) => Ok(Target::Host(host)),
                    Ok(Line::Rail(rail, PowerLine::Good)) => Ok(Target::Rail(rail)),
                    Ok(_) | Err(_) => Err(hint),
                })
            }
            Self::PsuFail | Self::PsuAbsent | Self::HostHang | Self::AcLoss => {
                find(name, self.targets(config).into_iter())
            }
        };
        found.map_err(|nearest| SimRefusal::UnknownTarget {
            kind: self.as_str(),
            target: name.to_owned(),
            takes: self.takes(),
            nearest,
        })
    }
}

impl Fault {
    /// A fault as people write it.
    ///
    /// # Errors
    /// The kind, the target or the value is not possible.
    pub fn parse(kind: &str, target: &str, value: Option<f64>, config: &SimConfig) -> Result<Self, SimRefusal> {
        let kind = FaultKind::parse(kind)?;
        let target = kind.parse_target(target, config)?;
        let (low, high, allowed) = kind.values();
        match value {
            Some(value) if !(low..=high).contains(&value) => {
                Err(SimRefusal::OutOfRange { name: kind.as_str().to_owned(), value: value.to_string(), allowed })
            }
            Some(_) | None => Ok(Self { kind, target, value }),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Fan(fan) => write!(f, "fan.{fan}"),
            Self::Psu(psu) => write!(f, "psu.{psu}"),
            Self::AllSupplies => f.write_str("all"),
            Self::Chassis => f.write_str("chassis"),
            Self::Host(host) => write!(f, "host.{host}"),
            Self::Rail(rail) => write!(f, "rail.{}", rail.as_str()),
            Self::Line(line) => line.fmt(f),
            Self::Bus(bus) => bus.fmt(f),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.target)?;
        self.value.map_or(Ok(()), |value| write!(f, " {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, target: &str, value: Option<f64>, expected: &str) {
        let told = match Fault::parse(kind, target, value, &SimConfig::default()) {
            Ok(fault) => fault.to_string(),
            Err(refusal) => format!("error: {refusal}"),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn every_kind_can_be_put_on_every_target_it_names() {
        let config = SimConfig::default();
        for kind in FaultKind::ALL {
            assert!(!kind.targets(&config).is_empty() && !kind.description().is_empty(), "{kind}");
            for target in kind.targets(&config) {
                let fault = Fault::parse(kind.as_str(), &target.to_string(), None, &config).unwrap();
                assert_eq!(fault, Fault { kind, target, value: None });
            }
        }
    }

    #[test]
    fn what_is_misspelt_or_impossible_is_refused_with_the_nearest() {
        check("sensor-stuck", "host0_cpu_temp", Some(99.0), "sensor-stuck host.0.cpu_temp 99");
        check("power-good-lost", "host0-power-good", None, "power-good-lost host.0");
        check("ac-loss", "all", None, "ac-loss all");
        check("fan-fial", "fan.0", None, "error: there is no fault kind `fan-fial` (did you mean `fan-fail`?)");
        check(
            "fan-fail",
            "fan.6",
            None,
            "error: `fan-fail` cannot be put on `fan.6` (did you mean `fan.0`?); it takes a fan",
        );
        check(
            "host-hang",
            "a very different thing",
            None,
            "error: `host-hang` cannot be put on `a very different thing`; it takes a host",
        );
        check(
            "fan-fail",
            "fan.0",
            Some(1.0),
            "error: 1 is not possible for `fan-fail`: this kind of fault takes no value",
        );
        check(
            "fan-slow",
            "fan.0",
            Some(f64::NAN),
            "error: NaN is not possible for `fan-slow`: it is the part of its speed that the fan reaches, 0–1",
        );
    }
}
