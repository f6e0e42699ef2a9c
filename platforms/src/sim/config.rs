//! What the `[sim]` table of a board file says of the machine that is made up.

use serde::{Deserialize, Serialize};

/// The simulated machine. Everything has a default; the defaults are a two-host 2U server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimConfig {
    /// Start of the noise and of the hosts' wandering load: the same seed gives the same readings.
    pub seed: u64,
    /// Temperature of the air in front of the machine, −40–80 °C.
    pub ambient: f64,
    /// Simulated seconds per real second, 0–1000; 0 holds physics still.
    pub speed: f64,
    /// What is on when the board is plugged in.
    pub power: InitialPower,
    /// What the board itself draws while the chassis is on, in watts, 0–1000.
    pub base_w: f64,
    /// What the BMC and the standby side draw always, in watts, 0–200.
    pub standby_w: f64,
    /// The BMC switches the 12 V, 5 V and 3.3 V rails itself; otherwise they come with the chassis.
    pub switched_rails: bool,
    /// The hosts, all alike.
    pub hosts: HostConfig,
    /// The supplies, all alike.
    pub supplies: SupplyConfig,
    /// The fans, all alike.
    pub fans: FanConfig,
}

/// What is on when the board is plugged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialPower {
    /// Standby only.
    #[default]
    Off,
    /// The chassis, no host.
    Chassis,
    /// The chassis and every host, booted.
    On,
}

/// Every host of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostConfig {
    /// How many, 1–8.
    pub count: usize,
    /// CPU power without load, in watts, 1–1000.
    pub cpu_idle_w: f64,
    /// CPU power at full load, in watts, at least `cpu_idle_w`, at most 1000.
    pub cpu_full_w: f64,
    /// From power-good to post-complete, in simulated seconds, 0–3600.
    pub boot_s: f64,
    /// From the request to shut down until the host removes its own power, in simulated seconds, 0–3600.
    pub shutdown_s: f64,
}

/// Every supply of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupplyConfig {
    /// How many, 1–8.
    pub count: usize,
    /// What one can give, in watts, 10–10000.
    pub rated_w: f64,
}

/// Every fan of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FanConfig {
    /// How many, 1–32.
    pub count: usize,
    /// Speed at full duty, 100–100000 RPM.
    pub max_rpm: f64,
    /// Speed at zero duty, in RPM, below `max_rpm`.
    pub min_rpm: f64,
    /// What one draws at full speed, in watts, 0–200.
    pub max_w: f64,
    /// The fan chip goes to full speed by itself when no duty was written for so long, in real seconds, 1–3600.
    pub watchdog_s: f64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            ambient: 25.0,
            speed: 1.0,
            power: InitialPower::Off,
            base_w: 30.0,
            standby_w: 12.0,
            switched_rails: false,
            hosts: HostConfig::default(),
            supplies: SupplyConfig::default(),
            fans: FanConfig::default(),
        }
    }
}

impl Default for HostConfig {
    fn default() -> Self {
        Self { count: 2, cpu_idle_w: 55.0, cpu_full_w: 220.0, boot_s: 6.0, shutdown_s: 3.0 }
    }
}

impl Default for SupplyConfig {
    fn default() -> Self {
        Self { count: 2, rated_w: 1200.0 }
    }
}

impl Default for FanConfig {
    fn default() -> Self {
        Self { count: 6, max_rpm: 12_000.0, min_rpm: 1200.0, max_w: 18.0, watchdog_s: 10.0 }
    }
}

/// A value out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{key}` is {value}: {allowed}")]
pub struct ConfigProblem {
    /// Where, below the `[sim]` table, e.g. `hosts.count`.
    pub key: &'static str,
    /// What stands there.
    pub value: f64,
    /// What may stand there, one sentence without a full stop.
    pub allowed: String,
}

impl SimConfig {
    /// Every value that is out of its range; none: a [`super::Model`] can be made of it.
    pub fn problems(&self) -> Vec<ConfigProblem> {
        let count = |count: usize| count as f64;
        let (hosts, supplies, fans) = (&self.hosts, &self.supplies, &self.fans);
        [
            ("ambient", self.ambient, -40.0, 80.0),
            ("speed", self.speed, 0.0, 1000.0),
            ("base_w", self.base_w, 0.0, 1000.0),
            ("standby_w", self.standby_w, 0.0, 200.0),
            ("hosts.count", count(hosts.count), 1.0, 8.0),
            ("hosts.cpu_idle_w", hosts.cpu_idle_w, 1.0, 1000.0),
            ("hosts.cpu_full_w", hosts.cpu_full_w, hosts.cpu_idle_w, 1000.0),
            ("hosts.boot_s", hosts.boot_s, 0.0, 3600.0),
            ("hosts.shutdown_s", hosts.shutdown_s, 0.0, 3600.0),
            ("supplies.count", count(supplies.count), 1.0, 8.0),
            ("supplies.rated_w", supplies.rated_w, 10.0, 10_000.0),
            ("fans.count", count(fans.count), 1.0, 32.0),
            ("fans.max_rpm", fans.max_rpm, 100.0, 100_000.0),
            ("fans.min_rpm", fans.min_rpm, 0.0, fans.max_rpm * 0.9),
            ("fans.max_w", fans.max_w, 0.0, 200.0),
            ("fans.watchdog_s", fans.watchdog_s, 1.0, 3600.0),
        ]
        .into_iter()
        .filter(|(_, value, low, high)| !(low..=high).contains(&value))
        .map(|(key, value, low, high)| ConfigProblem {
            key,
            value,
            allowed: format!("it must be between {low} and {high}"),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str, problems: &[&str]) {
        let config: SimConfig = toml::from_str(toml).unwrap();
        let found: Vec<_> = config.problems().iter().map(ConfigProblem::to_string).collect();
        assert_eq!(found, problems, "{toml}");
    }

    #[test]
    fn every_value_out_of_range_is_told_at_once() {
        check("", &[]);
        check("power = 'chassis'\n[fans]\ncount = 4", &[]);
        check(
            "ambient = 100\n[hosts]\ncount = 0\ncpu_full_w = 20",
            &[
                "`ambient` is 100: it must be between -40 and 80",
                "`hosts.count` is 0: it must be between 1 and 8",
                "`hosts.cpu_full_w` is 20: it must be between 55 and 1000",
            ],
        );
        check("speed = nan", &["`speed` is NaN: it must be between 0 and 1000"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        for toml in ["ambiant = 20", "[hosts]\nnumber = 3", "power = 'half'"] {
            assert!(toml::from_str::<SimConfig>(toml).is_err(), "{toml}");
        }
    }
}
