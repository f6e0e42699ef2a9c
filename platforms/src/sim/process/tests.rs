//! A board and its clients, in threads of one process.

use std::os::unix::net::UnixStream;
use std::{io::Write, thread::JoinHandle};

use tempfile::TempDir;
use ubmc_core::{
    input::Sample,
    leds::Pattern,
    units::{Duty, Level},
};

use super::{
    super::{
        InitialPower,
        client::{ClientError, SimClient, Subscription},
    },
    *,
};

const PATIENCE: Duration = Duration::from_secs(20);

struct Plugged {
    dir: TempDir,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Plugged {
    fn new(power: InitialPower) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = SimConfig { power, ..SimConfig::default() };
        let running = plug_in(dir.path(), &config).unwrap();
        let stopper = running.stopper();
        let thread = std::thread::spawn(move || running.run().unwrap());
        Self { dir, stopper, thread: Some(thread) }
    }

    fn client(&self) -> SimClient {
        SimClient::new(self.dir.path())
    }

    fn raw(&self) -> UnixStream {
        let stream = UnixStream::connect(socket_path(self.dir.path()).unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Until this edge was told.
#[track_caller]
fn await_edge(subscription: &mut Subscription, line: &str, level: Level) {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let edges = subscription.next(Duration::from_millis(100)).unwrap();
        if edges.iter().any(|(name, to)| name == line && *to == level) {
            return;
        }
    }
    panic!("{line} did not become {level}");
}

#[test]
fn a_client_sees_and_does_everything_by_name() {
    let board = Plugged::new(InitialPower::On);
    let mut client = board.client();
    let identity = client.identify().unwrap();
    assert_eq!((identity.pid, identity.config.hosts.count), (std::process::id(), 2));
    let samples = client.read(&["host.0.cpu_temp", "host.0.vcore"]).unwrap();
    assert!(matches!(samples[..], [Sample::Value(temp), Sample::Value(volts)] if temp > 15.0 && volts > 0.5));
    assert!(client.lines().unwrap().contains(&("chassis.power_good".into(), Level::High)));
    client.set_led("identify", Pattern::Blink).unwrap();
    client.set_duty("fan.3", Duty::new(40.0)).unwrap();
    client.set("ambient", 31.0).unwrap();
    assert_eq!(client.inject("sensor-nan", "host0_cpu_temp", None).unwrap().len(), 1);
    assert!(matches!(client.read(&["host.0.cpu_temp"]).unwrap()[..], [Sample::Value(temp)] if temp.is_nan()));
    let state = client.state().unwrap();
    for (name, value) in [("led.identify", 2.0), ("fan.3.duty", 40.0), ("ambient", 31.0)] {
        assert!(state.values.iter().any(|v| v.name == name && (v.value - value).abs() < 1e-9), "{name}");
    }
    assert_eq!(client.faults().unwrap()[0].kind, "sensor-nan");
    assert_eq!(client.clear("", "").unwrap(), []);
}

#[test]
fn what_cannot_be_done_is_told_in_a_sentence_and_the_conversation_goes_on() {
    let board = Plugged::new(InitialPower::Off);
    let mut client = board.client();
    for (told, expected) in [
        (
            client.read(&["inlet_tmp"]).map(drop),
            "the simulated board has no sensor `inlet_tmp` (did you mean `inlet_temp`?)",
        ),
        (client.set_line("psu.0.good", Level::Low), "`psu.0.good` is driven by the hardware, not by the BMC"),
        (client.set_duty("fan.66", Duty::OFF), "the simulated board has no fan `fan.66` (did you mean `fan.0`?)"),
        (client.set("ambient", f64::NAN), "NaN is not possible for `ambient`: it is not a number"),
        (client.clear("fan-fail", "").map(drop), "`fan-fail` is not active on `any target`"),
        (
            client.inject("fan-fail", "fan.0", Some(3.0)).map(drop),
            "3 is not possible for `fan-fail`: this kind of fault takes no value",
        ),
    ] {
        assert_eq!(told.unwrap_err().to_string(), expected);
    }
    client.lines().unwrap();
}

#[test]
fn edges_are_pushed_to_everyone_who_asked() {
    let board = Plugged::new(InitialPower::Off);
    let mut client = board.client();
    let mut subscriptions = [board.client().subscribe().unwrap(), board.client().subscribe().unwrap()];
    for subscription in &mut subscriptions {
        let first = subscription.next(PATIENCE).unwrap();
        assert!(first.len() == 18 && first.contains(&("chassis.power_good".into(), Level::Low)), "all lines first");
    }
    client.set_line("chassis.power_control", Level::High).unwrap();
    for subscription in &mut subscriptions {
        await_edge(subscription, "chassis.power_good", Level::High);
    }
    client.inject("power-good-lost", "chassis", None).unwrap();
    for subscription in &mut subscriptions {
        await_edge(subscription, "chassis.power_good", Level::Low);
        assert_eq!(subscription.next(Duration::from_millis(10)).unwrap(), [], "quiet is no failure");
    }
}

#[test]
fn a_hanging_bus_holds_only_who_asks_for_it() {
    let board = Plugged::new(InitialPower::On);
    let mut control = board.client();
    control.inject("bus-hang", "i2c-host0", None).unwrap();
    let mut held = board.client().with_timeout(Duration::from_millis(200));
    assert!(matches!(held.read(&["host.0.power"]), Err(ClientError::Timeout(_))));
    assert!(matches!(control.read(&["host.1.power", "inlet_temp"]).unwrap()[..], [Sample::Value(_), Sample::Value(_)]));
    // Whoever waits long enough is answered when it is over.
    let waiting = std::thread::spawn({
        let mut client = board.client().with_timeout(PATIENCE);
        move || client.read(&["host.0.power"])
    });
    control.clear("bus-hang", "i2c-host0").unwrap();
    assert!(matches!(waiting.join().unwrap().unwrap()[..], [Sample::Value(_)]));
    // The same client goes on, on a new connection.
    let deadline = Instant::now() + PATIENCE;
    while held.read(&["host.0.power"]).is_err() {
        assert!(Instant::now() < deadline);
    }
    control.inject("bus-hang", "fan-chip", Some(0.15)).unwrap();
    let asked = Instant::now();
    control.set_duty("fan.0", Duty::OFF).unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(150));
}

#[test]
fn simulated_time_passes_as_fast_as_told() {
    let board = Plugged::new(InitialPower::On);
    let mut client = board.client();
    client.set("speed", 200.0).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while client.state().unwrap().time_s < 30.0 {
        assert!(Instant::now() < deadline, "half a minute at 200 times the speed");
        std::thread::yield_now();
    }
}

#[test]
fn garbage_ends_its_own_connection_and_nothing_else() {
    let board = Plugged::new(InitialPower::Off);
    let mut client = board.client();
    client.lines().unwrap();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x05\0\0\0\"lin", b"\x07\0\0\0\"lines\"", b"\0\0\0\0", b"\xff"] {
        let mut raw = board.raw();
        raw.write_all(garbage).unwrap();
        raw.shutdown(std::net::Shutdown::Write).unwrap();
        let answer: Result<Option<Answer>, _> = protocol::receive(&mut raw);
        assert!(matches!(answer, Ok(Some(Answer::Refused { why: Why::Protocol, .. }) | None)), "{answer:?}");
    }
    let mut raw = board.raw();
    protocol::send(&mut raw, &protocol::Ask::Hello { version: 99 }).unwrap();
    let Ok(Some(Answer::Refused { text, .. })) = protocol::receive(&mut raw) else { panic!() };
    assert_eq!(text, "this board speaks version 1, not 99");
    client.lines().unwrap();
}

#[test]
fn connections_beyond_the_bound_are_refused_and_let_in_when_others_leave() {
    let board = Plugged::new(InitialPower::Off);
    let mut clients: Vec<_> = (0..MAX_CONNECTIONS).map(|_| board.client()).collect();
    for client in &mut clients {
        client.identify().unwrap();
    }
    let mut late = board.client();
    let refused = late.identify().unwrap_err().to_string();
    assert_eq!(refused, "32 connections are open already");
    clients.clear();
    let deadline = Instant::now() + PATIENCE;
    while late.identify().is_err() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}

#[test]
fn stopping_ends_it_frees_the_directory_and_tells_subscribers() {
    let mut board = Plugged::new(InitialPower::Off);
    let mut subscription = board.client().subscribe().unwrap();
    subscription.next(PATIENCE).unwrap();
    assert!(matches!(plug_in(board.dir.path(), &SimConfig::default()), Err(BoardError::Taken(_))));
    let mut client = board.client();
    client.stop().unwrap();
    board.thread.take().unwrap().join().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while subscription.next(Duration::from_millis(10)).is_ok() {
        assert!(Instant::now() < deadline);
    }
    assert!(matches!(client.lines(), Err(ClientError::NotRunning(_))));
    assert_eq!(std::fs::read_dir(board.dir.path()).unwrap().count(), 0);
    plug_in(board.dir.path(), &SimConfig::default()).unwrap();
}

#[test]
fn a_board_that_cannot_be_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("x".repeat(120));
    assert!(
        plug_in(&long, &SimConfig::default()).unwrap_err().to_string().contains("choose a shorter state directory")
    );
    let config = SimConfig { ambient: 200.0, ..SimConfig::default() };
    assert_eq!(
        plug_in(dir.path(), &config).unwrap_err().to_string(),
        "the simulated board cannot be made: `ambient` is 200: it must be between -40 and 80"
    );
    for (args, expected) in [
        (&["--dir"][..], "--dir needs a value"),
        (&["--config", "{}"], "--dir is missing"),
        (&["--dir", "x", "--colour", "red"], "unknown argument --colour"),
        (
            &["--config", "{\"ambiant\":1}"],
            "--config is no configuration of a simulated board: unknown field `ambiant`",
        ),
    ] {
        let told = parse(args.iter().map(Into::into)).unwrap_err().1;
        assert!(told.starts_with(expected), "{told}");
    }
}
