//! `source`: what a board file writes there, read into a binding and claimed for its one owner.

use ubmc_core::{power::Direction, sensors::SensorKind};

use super::{
    bindings::{Bias, FanBinding, LedBinding, PmbusDevice, SensorBinding, SignalBinding, WatchdogBinding},
    channels,
    claims::{Claims, Piece},
    devices::{channel, device_path, format, hwmon_device, pmbus_device, word},
    schema::{self, Keys},
    source::At,
    table::{Context, Table, nearest},
};
use crate::sim::Catalog;

const BIASES: [(&str, Bias); 3] =
    [("pull-up", Bias::PullUp), ("pull-down", Bias::PullDown), ("disabled", Bias::Disabled)];

/// A machine that stands still for ten minutes is not watched.
const MAX_WATCHDOG_S: u64 = 600;

/// The PMBus command that switches a regulator.
pub(super) const OPERATION: u8 = 0x01;

/// A way to say where hardware is: the key that stands for it, and the keys that go with it.
type Way = (&'static str, &'static [&'static str]);

const SIM: Way = ("sim", &[]);
const SIGNAL_WAYS: [Way; 2] = [SIM, ("gpio", &["chip", "active_low", "bias"])];
const SENSOR_WAYS: [Way; 5] = [
    SIM,
    ("hwmon", &["hwmon_name", "channel"]),
    ("hwmon_name", &["channel"]),
    ("iio", &["channel"]),
    ("pmbus", &["page", "command", "format"]),
];
const FAN_WAYS: [Way; 3] = [SIM, ("hwmon", &["hwmon_name", "channel"]), ("hwmon_name", &["channel"])];
const LED_WAYS: [Way; 2] = [SIM, ("led", &[])];

/// What a declaration wants of the simulated board.
#[derive(Clone, Copy)]
enum Wanted {
    /// The kind of the sensor, when that could be read.
    Quantity(Option<SensorKind>),
    /// Its direction, when that could be read.
    Line(Option<Direction>),
    Fan,
    Led,
}

impl Wanted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Quantity(_) => "quantity",
            Self::Line(_) => "line",
            Self::Fan => "fan",
            Self::Led => "LED",
        }
    }
}

/// Reads sources and sees to it that each piece of hardware is of this board and has one owner.
pub(super) struct Hardware {
    /// Whether the board has a `[sim]` table.
    simulated: bool,
    /// What the simulated board has; absent also when its table is wrong.
    catalog: Option<Catalog>,
    claims: Claims,
}

impl Hardware {
    pub(super) fn new(catalog: Option<Catalog>, simulated: bool) -> Self {
        Self { simulated, catalog, claims: Claims::default() }
    }

    /// Whether the board is a simulated one.
    pub(super) const fn is_simulated(&self) -> bool {
        self.simulated
    }

    /// The line behind a signal.
    pub(super) fn signal(
        &mut self,
        table: &Table<'_>,
        direction: Option<Direction>,
        cx: &mut Context<'_>,
    ) -> Option<SignalBinding> {
        let (source, way) = self.open(table, schema::SIGNAL_SOURCE, &SIGNAL_WAYS, "{ gpio = \"…\" }", cx)?;
        if way == "sim" {
            let line = source.text("sim", cx)?;
            let line = self.claim_sim(table, Wanted::Line(direction), line, cx)?;
            return Some(SignalBinding::Sim { line });
        }
        let line = word(&source, "gpio", cx);
        let chip = word(&source, "chip", cx).map(|chip| chip.value);
        let active_low = source.bool("active_low", cx).unwrap_or(false);
        let bias = source.word("bias", &BIASES, cx).map(|bias| bias.value);
        let line = line?;
        let piece = Piece::Line { chip: chip.clone(), line: line.value.clone() };
        self.claims.claim(piece, &table.who, line.at, cx)?;
        Some(SignalBinding::Gpio { line: line.value, chip, active_low, bias })
    }

    /// Where a sensor's raw value comes from; its kind, when that could be read, must fit.
    pub(super) fn sensor(
        &mut self,
        table: &Table<'_>,
        kind: Option<SensorKind>,
        cx: &mut Context<'_>,
    ) -> Option<SensorBinding> {
        let example = "{ hwmon = \"…\", channel = \"…\" }";
        let (source, way) = self.open(table, schema::SENSOR_SOURCE, &SENSOR_WAYS, example, cx)?;
        match way {
            "sim" => {
                let quantity = source.text("sim", cx)?;
                let quantity = self.claim_sim(table, Wanted::Quantity(kind), quantity, cx)?;
                Some(SensorBinding::Sim { quantity })
            }
            "iio" => {
                let device = device_path(&source, "iio", cx);
                let channel = channel(&source, "\"temp\"", cx);
                let (device, channel) = (device?, channel?);
                channels::check_iio(&table.who, kind, &channel, cx);
                let piece = Piece::Iio { device: device.value.clone(), channel: channel.value.clone() };
                self.claims.claim(piece, &table.who, channel.at, cx)?;
                Some(SensorBinding::Iio { device: device.value, channel: channel.value })
            }
            "pmbus" => self.register(table, &source, kind, cx),
            _ => {
                let device = hwmon_device(&source, cx);
                let channel = channel(&source, "\"temp1\"", cx);
                let (device, channel) = (device?, channel?);
                channels::check_hwmon(&table.who, kind, &channel, cx)?;
                let piece = Piece::Hwmon { device: device.clone(), channel: channel.value.clone() };
                self.claims.claim(piece, &table.who, channel.at, cx)?;
                Some(SensorBinding::Hwmon { device, channel: channel.value })
            }
        }
    }

    fn register(
        &mut self,
        table: &Table<'_>,
        source: &Table<'_>,
        kind: Option<SensorKind>,
        cx: &mut Context<'_>,
    ) -> Option<SensorBinding> {
        let device = pmbus_device(source, "pmbus", cx);
        if !source.has("command") {
            source.missing("command", "0x88", cx);
        }
        let command = source.integer("command", 0..=0xff_u8, cx);
        let page = source.integer("page", 0..=31_u8, cx);
        let format = format(source, cx);
        let (device, command, format) = (device?, command?, format?);
        channels::check_command(&table.who, kind, &command, cx);
        let page = page.map(|page| page.value);
        let piece = Piece::Register { device: device.clone(), page, command: command.value };
        self.claims.claim(piece, &table.who, command.at, cx)?;
        Some(SensorBinding::Pmbus { device, page, command: command.value, format })
    }

    /// Where a fan's duty goes; on a simulated board a fan is bound by its name.
    pub(super) fn fan(&mut self, table: &Table<'_>, name: &str, cx: &mut Context<'_>) -> Option<FanBinding> {
        if self.simulated && !table.has("source") {
            let fan = self.claim_sim(table, Wanted::Fan, At::new(name.to_owned(), table.at), cx)?;
            return Some(FanBinding::Sim { fan });
        }
        let example = "{ hwmon = \"…\", channel = \"pwm1\" }";
        let (source, way) = self.open(table, schema::FAN_SOURCE, &FAN_WAYS, example, cx)?;
        if way == "sim" {
            let fan = source.text("sim", cx)?;
            let fan = self.claim_sim(table, Wanted::Fan, fan, cx)?;
            return Some(FanBinding::Sim { fan });
        }
        let device = hwmon_device(&source, cx);
        let channel = channel(&source, "\"pwm1\"", cx);
        let (device, channel) = (device?, channel?);
        channels::check_pwm(&table.who, &channel, cx)?;
        let piece = Piece::Hwmon { device: device.clone(), channel: channel.value.clone() };
        self.claims.claim(piece, &table.who, channel.at, cx)?;
        Some(FanBinding::Hwmon { device, channel: channel.value })
    }

    /// Where an LED's pattern goes; on a simulated board an LED is bound by its name.
    pub(super) fn led(&mut self, table: &Table<'_>, name: &str, cx: &mut Context<'_>) -> Option<LedBinding> {
        if self.simulated && !table.has("source") {
            let led = self.claim_sim(table, Wanted::Led, At::new(name.to_owned(), table.at), cx)?;
            return Some(LedBinding::Sim { led });
        }
        let (source, way) = self.open(table, schema::LED_SOURCE, &LED_WAYS, "{ led = \"…\" }", cx)?;
        if way == "sim" {
            let led = source.text("sim", cx)?;
            let led = self.claim_sim(table, Wanted::Led, led, cx)?;
            return Some(LedBinding::Sim { led });
        }
        let led = word(&source, "led", cx)?;
        if led.value.contains('/') {
            cx.out
                .error(led.at, format!("the LED of {} must be a name", table.who))
                .label("as it stands in /sys/class/leds, without a slash");
            return None;
        }
        self.claims.claim(Piece::Led(led.value.clone()), &table.who, led.at, cx)?;
        Some(LedBinding::Sysfs { led: led.value })
    }

    /// Where the fault registers of a supply are read. Absent: nowhere.
    pub(super) fn faults(&mut self, table: &Table<'_>, cx: &mut Context<'_>) -> Option<PmbusDevice> {
        if table.has("pmbus") && self.simulated {
            self.refuse_real(table, table, "pmbus", cx);
        }
        let device = pmbus_device(table, "pmbus", cx)?;
        self.claims.claim(Piece::Faults(device.clone()), &table.who, table.value_at("pmbus"), cx)?;
        Some(device)
    }

    /// Where a rail is switched by the command OPERATION of its regulator. Absent: it is not.
    pub(super) fn regulator(&mut self, table: &Table<'_>, cx: &mut Context<'_>) -> Option<(PmbusDevice, Option<u8>)> {
        if table.has("pmbus") && self.simulated {
            self.refuse_real(table, table, "pmbus", cx);
        }
        let page = table.integer("page", 0..=31_u8, cx).map(|page| page.value);
        let device = pmbus_device(table, "pmbus", cx)?;
        let piece = Piece::Register { device: device.clone(), page, command: OPERATION };
        self.claims.claim(piece, &table.who, table.value_at("pmbus"), cx)?;
        Some((device, page))
    }

    /// `[watchdog]`
    pub(super) fn watchdog(&self, root: &Table<'_>, cx: &mut Context<'_>) -> Option<WatchdogBinding> {
        let entry = root.entry("watchdog")?;
        let table = Table::open(&entry.node, entry.key_at, "the watchdog", schema::WATCHDOG, cx)?;
        let device = table.required_text("device", "\"/dev/watchdog0\"", cx);
        let timeout = table.positive_time("timeout", cx);
        let seconds = timeout.as_ref().map_or(30, |timeout| timeout.value.as_secs());
        if let Some(timeout) = &timeout
            && (timeout.value.subsec_nanos() != 0 || seconds > MAX_WATCHDOG_S)
        {
            cx.out
                .error(timeout.at, "`timeout` of the watchdog is none that a watchdog has")
                .label(format!("must be whole seconds, 1 to {MAX_WATCHDOG_S}"));
        }
        let device = device?;
        if !device.value.starts_with('/') {
            cx.out.error(device.at, "`device` of the watchdog must be an absolute path").done();
        } else if self.simulated && device.value.starts_with("/dev/") {
            cx.out
                .error(device.at, "a simulated board must not feed the watchdog of the machine it runs on")
                .label("it would reset that machine")
                .help("remove `[watchdog]`, or name an ordinary file that stands in for it");
        }
        Some(WatchdogBinding { device: device.value.into(), timeout: std::time::Duration::from_secs(seconds) })
    }

    /// The `source` of a declaration, and which way it goes: that key is there, and none that does not go with it.
    fn open<'t>(
        &self,
        table: &Table<'t>,
        keys: &'static Keys,
        ways: &[Way],
        example: &str,
        cx: &mut Context<'_>,
    ) -> Option<(Table<'t>, &'static str)> {
        let example = if self.simulated { "{ sim = \"…\" }" } else { example };
        if !table.has("source") {
            table.missing("source", example, cx);
            return None;
        }
        let met = cx.out.met();
        let source = table.table("source", keys, cx)?;
        let Some((way, with)) = ways.iter().find(|(way, _)| source.has(way)) else {
            if self.simulated {
                source.missing("sim", "\"…\"", cx);
            } else if cx.out.met() == met {
                let known: Vec<_> = ways.iter().skip(1).map(|(way, _)| format!("`{way}`")).collect();
                cx.out
                    .error(source.at, format!("`source` of {} names no hardware", table.who))
                    .label(format!("needs {}", known.join(" or ")))
                    .help(format!("e.g. `source = {example}`"));
            }
            return None;
        };
        let mut fits = true;
        for key in keys.names.iter().filter(|key| **key != *way && !with.contains(key) && source.has(key)) {
            fits = false;
            cx.out
                .error(source.key_at(key), format!("`{key}` does not go with `{way}` in the `source` of {}", table.who))
                .label("remove one of them")
                .related(source.key_at(way), format!("`{way}`"));
        }
        if !fits {
            return None;
        }
        if *way == "sim" && !self.simulated {
            cx.out
                .error(
                    source.key_at("sim"),
                    format!("{} is bound to the simulator, but this board has none", table.who),
                )
                .help("add a `[sim]` table");
        } else if *way != "sim" && self.simulated {
            self.refuse_real(table, &source, way, cx);
        }
        Some((source, *way))
    }

    fn refuse_real(&self, owner: &Table<'_>, table: &Table<'_>, key: &str, cx: &mut Context<'_>) {
        debug_assert!(self.simulated);
        cx.out
            .error(table.key_at(key), format!("{} is bound to real hardware, but this board is simulated", owner.who))
            .label("nothing of it is there")
            .help("bind it to the simulator, or remove the `[sim]` table");
    }

    fn claim_sim(
        &mut self,
        table: &Table<'_>,
        wanted: Wanted,
        name: At<String>,
        cx: &mut Context<'_>,
    ) -> Option<String> {
        self.check_exists(table, wanted, &name, cx);
        self.claims.claim(Piece::Sim(wanted.as_str(), name.value.clone()), &table.who, name.at, cx)?;
        Some(name.value)
    }

    fn check_exists(&self, table: &Table<'_>, wanted: Wanted, name: &At<String>, cx: &mut Context<'_>) {
        let Some(catalog) = &self.catalog else { return };
        let (found, known): (Option<Result<(), String>>, Vec<&str>) = match wanted {
            Wanted::Quantity(kind) => {
                let found = catalog.quantities.iter().find(|entry| entry.name == name.value);
                let fits = found.map(|entry| match kind {
                    Some(kind) if kind != entry.kind => Err(format!("a {}", entry.kind)),
                    _ => Ok(()),
                });
                (fits, catalog.quantities.iter().map(|entry| entry.name.as_str()).collect())
            }
            Wanted::Line(direction) => {
                let found = catalog.lines.iter().find(|entry| entry.name == name.value);
                let fits = found.map(|entry| match direction {
                    Some(direction) if direction != entry.direction => Err(match entry.direction {
                        Direction::Input => "an input: the board drives it".to_owned(),
                        Direction::Output => "an output: the BMC drives it".to_owned(),
                    }),
                    _ => Ok(()),
                });
                (fits, catalog.lines.iter().map(|entry| entry.name.as_str()).collect())
            }
            Wanted::Fan => {
                let found = catalog.fans.contains(&name.value).then_some(Ok(()));
                (found, catalog.fans.iter().map(String::as_str).collect())
            }
            // The simulated board takes LEDs under any name.
            Wanted::Led => (Some(Ok(())), Vec::new()),
        };
        let kind = wanted.as_str();
        match found {
            Some(Ok(())) => {}
            Some(Err(is)) => cx
                .out
                .error(
                    name.at,
                    format!("{} does not fit the {kind} `{}` of the simulated board", table.who, name.value),
                )
                .label(format!("it is {is}"))
                .done(),
            None => cx
                .out
                .error(
                    name.at,
                    format!(
                        "{} is bound to `{}`, a {kind} that the simulated board does not have",
                        table.who, name.value
                    ),
                )
                .meant(nearest(&name.value, known))
                .done(),
        }
    }
}
