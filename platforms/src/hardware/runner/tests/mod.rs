//! The parts against a simulated board in a thread; `bad` and `late`: against hardware that misbehaves in ways it cannot;
//! `pulse`: with a loop that hangs.

mod bad;
mod late;
mod limits;
mod pulse;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use ubmc_core::{
    ids::{FanId, LedId, RailId, SensorId, SignalId, SupplyId},
    input::Sample,
    leds::{LedRole, LedSpec, Pattern},
    power::SignalSpec,
    sensors::{Protection, SensorSource, SensorSpec, Thresholds},
    thermal::{FanSpec, ZoneSpec},
    units::{Duty, Level},
};

use super::{
    super::{HardwareError, OpenError, Platform, PowerDevices, open},
    *,
};
use crate::{
    board::{
        Bindings, FanBinding, LedBinding, LoadOptions, Loaded, NameOrFile, SensorBinding, SignalBinding, load, shipped,
    },
    sim::{InitialPower, SimConfig, catalog, client::SimClient, process},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A board without regulators and supplies that speak.
struct NoDevices;

impl PowerDevices for NoDevices {
    fn set_rail(&mut self, rail: RailId, _: bool) -> Result<(), HardwareError> {
        Err(HardwareError::Unbound(format!("rail {}", rail.index())))
    }

    fn capture_fault(&mut self, supply: SupplyId) -> Result<Vec<(String, u16)>, HardwareError> {
        Err(HardwareError::Unbound(format!("supply {}", supply.index())))
    }
}

/// A board of everything that the simulated machine has, under its own names, and a zone of the first four fans.
fn board(config: &SimConfig) -> (Board, Bindings) {
    let catalog = catalog(config);
    let mut board = Board::default();
    let mut bindings = Bindings::default();
    for entry in &catalog.quantities {
        board.sensors.push(SensorSpec {
            name: entry.name.as_str().into(),
            description: String::new(),
            kind: entry.kind,
            source: SensorSource::Hardware,
            scale: 1.0,
            offset: 0.0,
            thresholds: Thresholds::default(),
            interval: Duration::from_millis(50),
            stale_after: Duration::from_secs(1),
            powered_by: None,
            max_slew: 1.0,
            history: 1,
            protection: Protection::default(),
        });
        bindings.sensors.push(SensorBinding::Sim { quantity: entry.name.clone() });
    }
    for entry in &catalog.lines {
        board.signals.push(SignalSpec { name: entry.name.as_str().into(), direction: entry.direction });
        bindings.signals.push(SignalBinding::Sim { line: entry.name.clone() });
    }
    for fan in &catalog.fans {
        let (max_rpm, min_rpm) = (config.fans.max_rpm, config.fans.min_rpm);
        board.fans.push(FanSpec { name: fan.as_str().into(), tachometer: None, max_rpm, min_rpm });
        bindings.fans.push(FanBinding::Sim { fan: fan.clone() });
    }
    board.leds.push(LedSpec { name: "identify".into(), role: LedRole::Identify });
    bindings.leds.push(LedBinding::Sim { led: "identify".into() });
    board.zones.push(ZoneSpec {
        name: "cpu".into(),
        controllers: Vec::new(),
        fans: (0..4).map(FanId::new).collect(),
        floor: Duty::new(20.0),
        ceiling: Duty::FULL,
        failsafe: Duty::new(70.0),
        fans_needed: 0,
        interval: Duration::from_secs(1),
    });
    (board, bindings)
}

/// Inputs as the daemon's loop would get them.
struct Inputs(Receiver<Input>);

impl Inputs {
    #[track_caller]
    fn until<R>(&self, what: &str, mut found: impl FnMut(Input) -> Option<R>) -> R {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.0.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(input) => {
                    if let Some(found) = found(input) {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => panic!("no {what}"),
            }
        }
    }

    #[track_caller]
    fn until_signal(&self, id: SignalId, level: Option<Level>) {
        self.until("signal", |input| (input == Input::Signal(id, level)).then_some(()));
    }
}

fn plug_in(dir: &Path, config: &SimConfig) -> process::Stopper {
    let running = process::plug_in(dir, config).unwrap();
    let stopper = running.stopper();
    thread::spawn(move || running.run().unwrap());
    stopper
}

struct Rig {
    // Before the board: what still runs may still write.
    runner: Runner,
    inputs: Inputs,
    board: Arc<Board>,
    stopper: Option<process::Stopper>,
    dir: TempDir,
    config: SimConfig,
}

fn sink() -> (impl Fn(Input) + Send + Sync + 'static, Inputs) {
    let (sender, receiver) = mpsc::channel();
    // At the end of a test nobody listens any more.
    (move |input| sender.send(input).unwrap_or_default(), Inputs(receiver))
}

/// Starts a part; what comes is its end.
fn start(runner: &mut Runner, part: Part) -> Receiver<Exit> {
    let (sender, receiver) = mpsc::channel();
    runner.start(part, move |exit| sender.send(exit).unwrap_or_default()).unwrap();
    receiver
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = SimConfig { power: InitialPower::On, ..SimConfig::default() };
        let stopper = Some(plug_in(dir.path(), &config));
        let (board, bindings) = board(&config);
        let platform = Platform::Sim { dir: dir.path().to_owned(), config: config.clone() };
        let hardware = open(&board, &bindings, platform).unwrap();
        let board = Arc::new(board);
        let (sink, inputs) = sink();
        Self { runner: Runner::new(Arc::clone(&board), hardware, sink), inputs, board, stopper, dir, config }
    }

    fn client(&self) -> SimClient {
        SimClient::new(self.dir.path())
    }

    fn start(&mut self, part: Part) -> Receiver<Exit> {
        start(&mut self.runner, part)
    }

    fn sensor(&self, name: &str) -> SensorId {
        self.board.find_sensor(name).unwrap()
    }

    fn signal(&self, name: &str) -> SignalId {
        self.board.find_signal(name).unwrap()
    }

    /// None: the machine does not know of it yet.
    fn known(&self, name: &str) -> Option<f64> {
        let values = self.client().state().unwrap().values;
        values.into_iter().find(|value| value.name == name).map(|value| value.value)
    }

    fn value(&self, name: &str) -> f64 {
        self.known(name).unwrap()
    }

    #[track_caller]
    fn await_value(&self, name: &str, expected: f64) {
        let deadline = Instant::now() + PATIENCE;
        while self.known(name).is_none_or(|value| (value - expected).abs() > 1e-6) {
            assert!(Instant::now() < deadline, "{name} is {:?}, not {expected}", self.known(name));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(stopper) = &self.stopper {
            stopper.stop();
        }
    }
}

#[track_caller]
fn await_end(ended: &Receiver<Exit>) -> Exit {
    ended.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn every_sensor_is_read_and_a_hanging_bus_holds_only_its_own() {
    let mut rig = Rig::new();
    let ended = rig.start(Part::Sampler);
    let mut missing: BTreeSet<_> = (0..rig.board.sensors.len()).map(SensorId::new).collect();
    rig.inputs.until("sample of every sensor", |input| {
        let Input::Samples(samples) = input else { panic!("{input:?}") };
        for (sensor, sample) in samples {
            assert!(matches!(sample, Sample::Value(_)), "{sample:?}");
            missing.remove(&sensor);
        }
        missing.is_empty().then_some(())
    });
    rig.client().inject("bus-hang", "i2c-host0", None).unwrap();
    let (held, free) = (rig.sensor("host.0.cpu_temp"), rig.sensor("host.1.cpu_temp"));
    let (mut readings, mut failed) = (0, None);
    rig.inputs.until("error", |input| {
        let Input::Samples(samples) = input else { panic!("{input:?}") };
        for (sensor, sample) in samples {
            match sample {
                Sample::Error(text) if sensor == held => failed = Some(text),
                Sample::Value(_) if sensor == free => readings += 1,
                Sample::Error(text) => assert!(text.contains("i2c-host0"), "only that bus: {text}"),
                Sample::Value(_) | Sample::Absent => {}
            }
        }
        failed.take().map(|text| assert_eq!(text, "bus i2c-host0 did not answer within 1000 ms"))
    });
    assert!(readings > 5, "{readings} readings of another bus meanwhile");
    rig.client().clear("bus-hang", "").unwrap();
    rig.inputs.until("value", |input| match input {
        Input::Samples(samples) => {
            samples.iter().any(|(id, sample)| *id == held && matches!(sample, Sample::Value(_))).then_some(())
        }
        _ => None,
    });
    rig.runner.stop(Part::Sampler, Stop::Orderly);
    assert_eq!(await_end(&ended), Exit::Code(0));
    assert!(!rig.runner.is_running(Part::Sampler));
}

#[test]
fn every_line_is_told_once_and_whenever_it_changes() {
    let mut rig = Rig::new();
    let ended = rig.start(Part::Watcher);
    let mut levels = std::collections::BTreeMap::new();
    rig.inputs.until("level of every line", |input| {
        let Input::Signal(line, level) = input else { panic!("{input:?}") };
        assert_eq!(levels.insert(line, level), None, "once");
        (levels.len() == rig.board.signals.len()).then_some(())
    });
    let good = rig.signal("host.0.power_good");
    assert_eq!(levels[&good], Some(Level::High));
    rig.client().inject("power-good-lost", "host.0", None).unwrap();
    rig.inputs.until_signal(good, Some(Level::Low));
    // Pulled out: nothing is known. Plugged in again: everything is.
    rig.stopper.take().unwrap().stop();
    rig.inputs.until_signal(good, None);
    let deadline = Instant::now() + PATIENCE;
    while process::plug_in(rig.dir.path(), &rig.config).map(drop).is_err() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    rig.stopper = Some(plug_in(rig.dir.path(), &rig.config));
    rig.inputs.until_signal(good, Some(Level::High));
    rig.runner.stop(Part::Watcher, Stop::Orderly);
    assert_eq!(await_end(&ended), Exit::Code(0));
}

#[test]
fn fans_take_duties_and_are_left_at_their_fail_safe() {
    let mut rig = Rig::new();
    let ended = rig.start(Part::Fans);
    let tell = |rig: &Rig, fan, percent| {
        rig.runner.command(HardwareCommand::SetDuty(FanId::new(fan), Duty::new(percent))).unwrap();
    };
    tell(&rig, 0, 33.0);
    tell(&rig, 5, 44.0);
    rig.await_value("fan.0.duty", 33.0);
    rig.await_value("fan.5.duty", 44.0);
    rig.client().inject("pwm-write-fails", "fan.1", None).unwrap();
    tell(&rig, 1, 50.0);
    tell(&rig, 2, 51.0);
    rig.await_value("fan.2.duty", 51.0);
    let reason = rig.inputs.until("failure", |input| match input {
        Input::CommandFailed { command: HardwareCommand::SetDuty(fan, _), reason } if fan == FanId::new(1) => {
            Some(reason)
        }
        _ => None,
    });
    assert_eq!(reason, "the fan chip did not acknowledge the duty for `fan.1`");
    rig.runner.stop(Part::Fans, Stop::Orderly);
    assert_eq!(await_end(&ended), Exit::Code(0));
    assert!((rig.value("fan.0.duty") - 70.0).abs() < 1e-9 && (rig.value("fan.5.duty") - 100.0).abs() < 1e-9);
    let refused = rig.runner.command(HardwareCommand::SetDuty(FanId::new(0), Duty::OFF)).unwrap_err();
    assert_eq!(refused.to_string(), "thermalmgr does not run");
    let ended = rig.start(Part::Fans);
    tell(&rig, 0, 22.0);
    rig.runner.stop(Part::Fans, Stop::HandOver);
    assert_eq!(await_end(&ended), Exit::Code(0));
    assert!((rig.value("fan.0.duty") - 22.0).abs() < 1e-9, "left as it was");
}

#[test]
fn lines_and_leds_are_driven_in_order() {
    let mut rig = Rig::new();
    rig.start(Part::Lines);
    rig.start(Part::Leds);
    let control = rig.signal("host.0.power_control");
    for level in [Level::Low, Level::High, Level::Low] {
        rig.runner.command(HardwareCommand::SetSignal(control, level)).unwrap();
    }
    rig.runner.command(HardwareCommand::SetLed(LedId::new(0), Pattern::FastBlink)).unwrap();
    rig.await_value("led.identify", 3.0);
    rig.await_value("host.0.power_good", 0.0);
    rig.runner.command(HardwareCommand::SetSignal(rig.signal("psu.0.good"), Level::Low)).unwrap();
    let reason = rig.inputs.until("failure", |input| match input {
        Input::CommandFailed { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(reason, "`psu.0.good` is driven by the hardware, not by the BMC");
}

#[test]
fn what_is_not_there_cannot_be_opened() {
    let config = SimConfig::default();
    let (board, mut bindings) = board(&config);
    let platform = || Platform::Sim { dir: "/nonexistent".into(), config: SimConfig::default() };
    bindings.fans[2] = FanBinding::Sim { fan: "fan.77".into() };
    let told = open(&board, &bindings, platform()).err().unwrap();
    assert_eq!(told.to_string(), "`fan.2` is bound to `fan.77`, which the simulated machine does not have");
    bindings.leds.clear();
    let told = open(&board, &bindings, platform()).err().unwrap();
    assert_eq!(told, OpenError::Incomplete { what: "LEDs", rows: 1, bound: 0 });
}

#[test]
fn every_shipped_simulated_board_is_read_whole() {
    for name in shipped::boards() {
        let vars = [("HOME", "/root"), ("UBMC_BIN_DIR", "/bin")].map(|(key, value)| (key.into(), value.into()));
        let options = LoadOptions {
            board: NameOrFile::from(name),
            registries: Vec::new(),
            services_dir: None,
            vars: vars.into(),
        };
        let Loaded { board, bindings, sim, .. } = load(&options).unwrap();
        let Some(config) = sim else { continue };
        let config = SimConfig { power: InitialPower::On, ..config };
        let dir = tempfile::tempdir().unwrap();
        let stopper = plug_in(dir.path(), &config);
        let hardware = open(&board, &bindings, Platform::Sim { dir: dir.path().to_owned(), config }).unwrap();
        let mut read = BTreeSet::new();
        for mut bus in hardware.sensor_buses() {
            let sensors = bus.sensors().to_vec();
            for (sensor, sample) in bus.read(&sensors) {
                assert!(matches!(sample, Sample::Value(_)), "{}: {sample:?}", board.sensor(sensor).name);
                read.insert(sensor);
            }
        }
        let measured = board.sensors.iter().filter(|spec| spec.source == SensorSource::Hardware).count();
        assert_eq!(read.len(), measured);
        let lines = hardware.line_watcher().read_all().unwrap();
        assert!(lines.len() == board.signals.len() && lines.iter().all(|(_, level)| level.is_some()), "{lines:?}");
        stopper.stop();
    }
}
