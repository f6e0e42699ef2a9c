//! A first board file: a row for all that was found, and remarks on what only a person can know.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::Machine;

/// Built-in services in their order: name, group, and what else their table says.
const SERVICES: [(&str, &str, &str); 8] = [
    ("journal", "foundation", "critical = true"),
    ("sensormon", "core", "critical = true\nwants = [\"journal\"]"),
    ("thermalmgr", "core", "critical = true\nprotects_hardware = true\ndependencies = [\"sensormon\"]"),
    ("powermgr", "core", "critical = true\nwants = [\"journal\"]"),
    ("statemgr", "core", "critical = true\ndependencies = [\"powermgr\", \"sensormon\"]"),
    ("ledmgr", "management", "dependencies = [\"statemgr\"]"),
    ("inventory", "management", "wants = [\"journal\"]"),
    ("api", "interface", "critical = true\nwants = [\"journal\", \"statemgr\"]"),
];

impl Machine {
    /// A board file that `ubmcd --check` accepts.
    pub fn draft(&self) -> String {
        let mut draft = Draft::default();
        draft.text.push_str(
            "# Written by `ubmcd --probe-board`: what this machine has, and nothing of what it means. Strike out, rename,\n\
             # and fill in what is marked with FILL IN; docs/porting.md says how.\n\n\
             [board]\nname = \"new-board\"                 # FILL IN\ndescription = \"\"                   # FILL IN\n",
        );
        draft.signals(self);
        let temperatures = draft.sensors(self);
        draft.fans(self, &temperatures);
        draft.leds(self);
        draft.rest(self);
        draft.text
    }
}

#[derive(Default)]
struct Draft {
    text: String,
    names: BTreeSet<String>,
    /// What each sensor is named, by its device and channel.
    sensors: BTreeMap<(String, String), String>,
}

impl Draft {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A name that a board file takes, and that nothing else has yet.
    fn name(&mut self, wanted: &str) -> String {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.@".contains(letter);
        let kept: String = wanted.chars().map(|letter| if fits(letter) { letter } else { '_' }).take(56).collect();
        let kept = kept.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let kept = if kept.is_empty() { "unnamed" } else { kept };
        let numbered = (2..).map(|number| format!("{kept}_{number}"));
        let free = std::iter::once(kept.to_owned()).chain(numbered).find(|name| !self.names.contains(name));
        let name = free.unwrap_or_default();
        self.names.insert(name.clone());
        name
    }

    fn signals(&mut self, machine: &Machine) {
        self.line("\n# Lines that are free. `direction` is what each is now: FILL IN \"output\" for those that the controller");
        self.line("# drives, and `active_low = true` where low means yes.");
        let count =
            |name: &str| machine.gpio.iter().flat_map(|chip| &chip.lines).filter(|line| line.name == name).count();
        for chip in &machine.gpio {
            for line in chip.lines.iter().filter(|line| !line.name.is_empty()) {
                if line.used {
                    let who = if line.consumer.is_empty() { "a driver" } else { &line.consumer };
                    self.line(&format!("# {} is held by {who}", line.name.escape_debug()));
                    continue;
                }
                let name = self.name(&line.name);
                let on =
                    if count(&line.name) > 1 { format!(", chip = {}", quoted(&chip.label)) } else { String::new() };
                let direction = if line.output { "output" } else { "input" };
                let _ = write!(
                    self.text,
                    "\n[signals.{}]\ndirection = \"{direction}\"\nsource = {{ gpio = {}{on} }}\n",
                    key(&name),
                    quoted(&line.name)
                );
            }
        }
    }

    /// Names of the temperatures.
    fn sensors(&mut self, machine: &Machine) -> Vec<String> {
        self.line("\n# What can be measured. FILL IN names that say where, and `thresholds` for what can be harmed.");
        let mut temperatures = Vec::new();
        for (class, chip) in
            machine.hwmon.iter().map(|chip| ("hwmon", chip)).chain(machine.iio.iter().map(|chip| ("iio", chip)))
        {
            for reading in &chip.channels {
                let Some(kind) = kind(&reading.channel) else { continue };
                let name = self.name(&format!("{}_{}_{}", chip.name, chip.at, reading.channel));
                self.sensors.insert((chip.at.clone(), reading.channel.clone()), name.clone());
                let label = reading.label.as_ref().map_or_else(String::new, |label| format!(", labelled {label}"));
                let remark = format!("{}{label}", reading.value);
                let _ = write!(
                    self.text,
                    "\n# now: {}\n[sensors.{}]\nkind = \"{kind}\"\nsource = {{ {class} = {}, channel = {} }}\n",
                    remark.escape_debug(),
                    key(&name),
                    quoted(&chip.at),
                    quoted(&reading.channel)
                );
                if kind == "temperature" {
                    self.line(
                        "# thresholds = { warning_high = 70, critical_high = 80, fatal_high = 90, hysteresis = 2 }",
                    );
                    temperatures.push(name);
                }
            }
        }
        temperatures
    }

    fn fans(&mut self, machine: &Machine, temperatures: &[String]) {
        let outputs: Vec<_> =
            machine.hwmon.iter().flat_map(|chip| chip.outputs.iter().map(move |output| (chip, output))).collect();
        if outputs.is_empty() {
            self.line("\n# No fan output was found.");
            return;
        }
        // Every fan is in a zone, and every zone follows a sensor.
        let hidden = if temperatures.is_empty() { "# " } else { "" };
        if temperatures.is_empty() {
            self.line("\n# Fan outputs without a temperature to follow: FILL IN a sensor, and take these in.");
        } else {
            self.line("\n# Fans. FILL IN `max_rpm`, by data sheet or by measurement.");
        }
        let mut fans = Vec::new();
        for (chip, output) in outputs {
            let number = output.trim_start_matches("pwm");
            let tachometer = self.sensors.get(&(chip.at.clone(), format!("fan{number}"))).cloned();
            let name = self.name(&format!("fan{number}"));
            let _ = write!(
                self.text,
                "\n{hidden}[fans.{}]\n{hidden}source = {{ hwmon = {}, channel = \"{output}\" }}\n",
                key(&name),
                quoted(&chip.at)
            );
            if let Some(tachometer) = tachometer {
                let _ = writeln!(self.text, "{hidden}tachometer = {}", quoted(&tachometer));
            }
            let _ = writeln!(self.text, "{hidden}max_rpm = 20000");
            fans.push(name);
        }
        if temperatures.is_empty() {
            return;
        }
        self.line("\n# One zone for all. FILL IN which sensors each fan cools, and curves that end at 100 below their limits.");
        let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let _ = write!(
            self.text,
            "[zones.all]\nfans = [{}]\nfloor = 30\nfailsafe = 100\n\n[[zones.all.controllers]]\nname = \"temperatures\"\n\
             sensors = [{}]\npoints = [[35, 30], [60, 100]]\n",
            list(&fans),
            list(temperatures)
        );
    }

    fn leds(&mut self, machine: &Machine) {
        self.line(
            "\n# LEDs. FILL IN those that have a role (power, status, fault, identify); the others are left alone.",
        );
        for led in &machine.leds {
            let (role, name) = (guess_role(&led.name), self.name(&led.name));
            let _ = write!(
                self.text,
                "# [leds.{}]\n# role = \"{role}\"\n# source = {{ led = {} }}\n",
                key(&name),
                quoted(&led.name)
            );
        }
    }

    fn rest(&mut self, machine: &Machine) {
        self.line("\n# FILL IN what follows power, e.g.");
        self.line("# [machines.chassis]");
        self.line("# definition = \"chassis\"");
        self.line("# signals = { power-control = \"…\", power-good = \"…\" }");
        self.line("# zones = [\"all\"]");
        self.line("\n[machines.bmc]\ndefinition = \"bmc\"");
        self.line("\n# Take it in when everything else works: from then on a hang resets the controller.");
        let device = machine.watchdogs.first().map_or("/dev/watchdog0", |watchdog| &watchdog.device);
        self.line(&format!("# [watchdog]\n# device = {}\n# timeout = 30", quoted(device)));
        for (name, group, more) in SERVICES {
            let _ = write!(
                self.text,
                "\n[services.{name}]\ntype = \"platform\"\ngroup = \"{group}\"\ndeployment = {{ mode = \"builtin\" }}\n{more}\n"
            );
        }
    }
}

fn guess_role(led: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| led.contains(word));
    if has(&["pwr", "power"]) {
        "power"
    } else if has(&["fault", "err", "alarm"]) {
        "fault"
    } else if has(&["-id", "_id", "ident", "locate"]) {
        "identify"
    } else {
        "status"
    }
}

/// None: a board has no such sensors.
fn kind(channel: &str) -> Option<&'static str> {
    let kind = channel.trim_end_matches(|letter: char| letter.is_ascii_digit());
    Some(match kind {
        "temp" => "temperature",
        "in" | "voltage" => "voltage",
        "curr" | "current" => "current",
        "power" => "power",
        "fan" => "fan-speed",
        "humidity" | "humidityrelative" => "humidity",
        _ => return None,
    })
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A key of a table.
fn key(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

    use super::super::*;
    use crate::{
        board::{self, LoadOptions, NameOrFile},
        linux::gpio::LineListing,
    };

    fn check(machine: &Machine) -> board::Loaded {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("board.toml");
        let draft = machine.draft();
        fs::write(&file, &draft).unwrap();
        let options = LoadOptions {
            board: NameOrFile::File(file),
            registries: Vec::new(),
            services_dir: None,
            vars: BTreeMap::new(),
        };
        board::load(&options).unwrap_or_else(|problems| panic!("{problems}\n{draft}"))
    }

    fn reading(channel: &str, label: Option<&str>) -> Reading {
        Reading { channel: channel.into(), label: label.map(Into::into), value: "1 °C".into() }
    }

    fn chip(name: &str, at: &str, channels: &[&str], outputs: &[&str]) -> Chip {
        Chip {
            at: at.into(),
            name: name.into(),
            label: None,
            channels: channels.iter().map(|channel| reading(channel, None)).collect(),
            outputs: outputs.iter().map(|output| (*output).to_owned()).collect(),
        }
    }

    fn line(name: &str, used: bool, output: bool) -> LineListing {
        LineListing { name: name.into(), used, consumer: String::new(), output }
    }

    #[test]
    fn a_machine_with_nothing_gives_a_board_that_loads() {
        let loaded = check(&Machine::default());
        assert_eq!((loaded.board.sensors.len(), loaded.board.services.len()), (0, 8));
    }

    #[test]
    fn everything_that_was_found_is_in_a_board_that_loads() {
        let machine = Machine {
            hwmon: vec![
                chip("tmp275", "4-0048", &["temp1"], &[]),
                chip("max31785a", "7-0052", &["fan1", "fan2", "in1", "temp1"], &["pwm1", "pwm2"]),
                chip("other fans", "8-0052", &["fan1", "energy1"], &["pwm1"]),
            ],
            iio: vec![chip("si7020", "7-0040", &["humidityrelative", "temp", "accel_x"], &[])],
            gpio: vec![
                ChipListing {
                    path: "/dev/gpiochip0".into(),
                    name: "gpiochip0".into(),
                    label: "1e780000.gpio".into(),
                    lines: vec![
                        line("power-chassis-control", false, true),
                        line("", false, false),
                        line("fan0-presence", true, false),
                        line("twice", false, false),
                        line("a \"quoted\" line", false, false),
                    ],
                },
                ChipListing {
                    path: "/dev/gpiochip1".into(),
                    name: "gpiochip1".into(),
                    label: "pca9552".into(),
                    lines: vec![line("twice", false, false)],
                },
            ],
            leds: vec![Led { name: "pca955x:front-sys-id0".into(), blinks: true }],
            ..Machine::default()
        };
        let loaded = check(&machine);
        let sensors: Vec<_> = loaded.board.sensors.iter().map(|sensor| sensor.name.to_string()).collect();
        assert_eq!(
            sensors,
            [
                "tmp275_4-0048_temp1",
                "max31785a_7-0052_fan1",
                "max31785a_7-0052_fan2",
                "max31785a_7-0052_in1",
                "max31785a_7-0052_temp1",
                "other_fans_8-0052_fan1",
                "si7020_7-0040_humidityrelative",
                "si7020_7-0040_temp",
            ]
        );
        let fans: Vec<_> = loaded.board.fans.iter().map(|fan| fan.name.to_string()).collect();
        assert_eq!(fans, ["fan1", "fan2", "fan1_2"]);
        assert_eq!(loaded.board.zones.len(), 1);
        let signals: Vec<_> =
            loaded.board.signals.iter().map(|signal| (signal.name.to_string(), signal.direction)).collect();
        let (input, output) = (ubmc_core::power::Direction::Input, ubmc_core::power::Direction::Output);
        // What is an output now stays one: an input would let go of the line.
        assert_eq!(
            signals,
            [
                ("power-chassis-control".to_owned(), output),
                ("twice".to_owned(), input),
                ("a__quoted__line".to_owned(), input),
                ("twice_2".to_owned(), input),
            ]
        );
    }

    #[test]
    fn a_made_up_tree_is_listed_with_the_words_of_board_files() {
        let sysfs = tempfile::tempdir().unwrap();
        let root = sysfs.path();
        let chip = root.join("devices/i2c-7/7-0052");
        let own = chip.join("hwmon/hwmon3");
        for dir in ["class/hwmon", "bus/i2c/devices/i2c-7", "bus/i2c/drivers/max31785", "class/leds/rear-enc-id0"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        fs::create_dir_all(root.join("class/watchdog/watchdog0")).unwrap();
        fs::create_dir_all(root.join("bus/i2c/devices/7-0040")).unwrap();
        fs::create_dir_all(&own).unwrap();
        symlink(&chip, own.join("device")).unwrap();
        symlink(&own, root.join("class/hwmon/hwmon3")).unwrap();
        symlink(&chip, root.join("bus/i2c/devices/7-0052")).unwrap();
        symlink(root.join("bus/i2c/drivers/max31785"), chip.join("driver")).unwrap();
        for (file, text) in [
            ("class/hwmon/hwmon3/name", "max31785a"),
            ("class/hwmon/hwmon3/temp1_input", "43500"),
            ("class/hwmon/hwmon3/temp1_label", "inlet"),
            ("class/hwmon/hwmon3/fan1_input", "rubbish"),
            ("class/hwmon/hwmon3/pwm1", "255"),
            ("class/hwmon/hwmon3/pwm1_enable", "1"),
            ("bus/i2c/devices/i2c-7/name", "1e78a400.i2c-bus"),
            ("bus/i2c/devices/7-0052/name", "max31785a"),
            ("bus/i2c/devices/7-0040/name", "si7020"),
            ("class/leds/rear-enc-id0/trigger", "[none] timer"),
            ("class/watchdog/watchdog0/identity", "aspeed_wdt"),
            ("class/watchdog/watchdog0/timeout", "30"),
        ] {
            fs::write(root.join(file), format!("{text}\n")).unwrap();
        }
        let machine = Machine::below(root);
        let expected = "
# GPIO chips and their named lines: none

# hwmon devices: hwmon = \"DEVICE\", channel = \"CHANNEL\"
7-0052 (max31785a)
  fan1                 fan1_input says `rubbish`, not a number
  temp1                43.5 °C  label:inlet
  pwm1                 fan output

# IIO devices: none

# LEDs: led = \"NAME\"
rear-enc-id0

# watchdogs: [watchdog] device = \"DEVICE\"
/dev/watchdog0  aspeed_wdt, 30 s

# I²C buses, and what is declared on them: pmbus = { bus = N, address = 0xNN }, for devices without a driver
i2c-7  1e78a400.i2c-bus
  7-0040     si7020               no driver: absent, or its driver is not loaded
  7-0052     max31785a            driver max31785
";
        assert_eq!(machine.to_string(), expected);
        let loaded = check(&machine);
        assert_eq!((loaded.board.sensors.len(), loaded.board.fans.len()), (2, 1));
    }
}
