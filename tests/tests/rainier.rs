//! ubmcd on a real BMC board: IBM's Rainier as QEMU emulates it, with the kernel's own drivers.
//!
//! One board is booted for all checks, which run in the order in which they stand here: a boot takes longer than all of
//! them. `scripts/test --board` builds the image and runs this; without it nothing is run, and that is said.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up should say where")]

use std::{
    collections::BTreeMap,
    env, fmt,
    io::{Read, Write},
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::Value;
use ubmc_tests::rainier::{
    emulator::{Boot, Image},
    places::{Chip, Thermometer},
    rig::{PATIENCE, Rig},
    supply::Mode,
};

/// Where the fan controller's files are, whichever number the kernel gave it.
const FANS: &str = "/sys/bus/i2c/devices/7-0052/hwmon/hwmon*";
/// The LED that says that the chassis is on.
const POWER_LED: &str = "/sys/class/leds/pca955x:front-sys-pwron0/brightness";
/// What a fan's `pwmN` says at full duty, and not below. The kernel's driver of this chip takes bytes and gives percent: 255
/// is read back as 100. Were it bytes, 100 would be more than a calm fan has.
const FULL: u32 = 100;
/// From the death of ubmcd to full duty on the last fan, as the board sees it. A bus that is emulated needs some ten
/// milliseconds for a fan; what the board was held up by its host comes on top ([`Reaction`]).
const REACTION_MS: u32 = 300;
/// So long ubmcd may be silent until it counts as hanging.
const SILENCE_MS: u32 = 700;
/// No check is begun when less is left of `UBMC_BOARD_SECONDS`: the longest takes half of it.
const LONGEST: Duration = Duration::from_secs(75);
/// Control line of the chassis' power.
const CONTROL: &str = "power-chassis-control";

/// What holds, in words, and what tries it.
type Check = (&'static str, fn(&mut Rig));

const CHECKS: [Check; 15] = [
    ("the board comes up by itself, with what is absent told and nothing else harmed", comes_up),
    ("sensors whose driver is loaded late appear late", drivers_loaded_late),
    ("every thermometer reads what the emulator was told, by address", every_thermometer),
    ("the console is there on the board's serial line", console),
    ("the chassis powers on when the supply answers, and its LED follows", power_on),
    ("the daemon killed with the chassis on: fans go up at once, the line is not touched", killed),
    ("the daemon hung with the chassis on: fans go up soon after its silence", hung),
    ("the guardian killed: it is replaced", guardian_killed),
    ("the chassis powers off, and its LED follows", power_off),
    ("a supply that does not answer: power-on fails, and the line is low again", silent_supply),
    (
        "the daemon killed in the middle of a power-on: the next one goes by what the hardware says",
        killed_while_powering_on,
    ),
    ("a supply that dies takes the chassis off, with an event", dying_supply),
    ("a supply that is pulled or plugged in is an event", presence),
    ("a thermometer over its limit powers the chassis off, and that latches", over_temperature),
    ("figures", figures),
];

#[test]
fn ubmcd_runs_a_real_board() {
    let asked = env::var("UBMC_BOARD").unwrap_or_default();
    if asked.is_empty() || asked == "0" {
        println!("NOT RUN: the checks on the emulated board need QEMU and an image; `scripts/test --board` runs them");
        return;
    }
    let folder = env::var_os("UBMC_BOARD_IMAGE").map(PathBuf::from).expect("UBMC_BOARD_IMAGE says where the image is");
    let image = Image::at(&folder).unwrap_or_else(|error| panic!("{error}"));
    let time = env::var("UBMC_BOARD_SECONDS").ok().map(|text| {
        Duration::from_secs(text.parse().unwrap_or_else(|_| panic!("UBMC_BOARD_SECONDS is a number, not `{text}`")))
    });
    let begun = Instant::now();
    let mut rig = Rig::boot(&image, &Boot { late: vec!["tmp421".to_owned()], ..Boot::default() });
    for (name, bytes) in image.sizes() {
        println!("        {name}: {:.2} MiB", f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0);
    }
    println!("the board takes commands after {:.1} s", begun.elapsed().as_secs_f64());
    let (mut failed, mut left_out) = (Vec::new(), 0);
    let wanted = env::var("UBMC_BOARD_CHECKS").unwrap_or_default();
    for (name, check) in CHECKS {
        if !name.contains(&wanted) {
            continue;
        }
        if time.is_some_and(|time| begun.elapsed() + LONGEST > time) {
            left_out += 1;
            println!("NOT RUN {name}: the time that the tests were given is gone");
            continue;
        }
        let begun = Instant::now();
        // A failed check tells where; those after it still tell what they can.
        let passed = catch_unwind(AssertUnwindSafe(|| check(&mut rig))).is_ok();
        println!("{} {name} ({:.1} s)", if passed { "ok    " } else { "FAILED" }, begun.elapsed().as_secs_f64());
        if !passed {
            failed.push(name);
        }
    }
    println!("all of it took {:.0} s", begun.elapsed().as_secs_f64());
    if left_out > 0 {
        println!("*** NOT RUN: {left_out} of {} checks on the emulated board, for want of time", CHECKS.len());
    }
    if !failed.is_empty() {
        let logs = rig.logs();
        panic!("failed: {failed:#?}\n{logs}\nall of the logs are in {}", rig.keep().display());
    }
}

fn comes_up(rig: &mut Rig) {
    rig.eventually("ubmcd answers", |rig| (rig.ctl("bmc status").code == 0).then_some(()));
    rig.await_state("bmc", "ready");
    // The board has no clock of its own: its time begins with its kernel.
    let since = rig.json("machines show bmc")["since"].as_str().unwrap_or_default().to_owned();
    println!("        kernel start to `bmc ready`: {} of board time", since.trim_start_matches("1970-01-01T00:"));
    rig.await_state("chassis", "off");
    // The supplies on bus 3 are in the device tree and not on the bus; the others have no address at all.
    let resources = rig.shell("ubmcctl --output json resources list");
    assert!(resources.contains("3-0068") || resources.contains("0x68"), "{resources}");
    let services = rig.json("services list");
    for service in services.as_array().expect("a list") {
        assert!(matches!(service["state"].as_str(), Some("running" | "completed")), "{service}");
    }
}

fn drivers_loaded_late(rig: &mut Rig) {
    let count = |rig: &mut Rig| {
        let sensors = sensors(rig);
        let late = sensors.iter().filter(|(name, _)| name.starts_with("tmp423_"));
        let qualities: Vec<&str> = late.map(|(_, sensor)| quality(sensor)).collect();
        (qualities.len(), qualities.iter().filter(|quality| **quality == "good").count())
    };
    assert_eq!(count(rig), (16, 0), "without a driver none of them is read");
    let sensors_now = sensors(rig);
    let others = sensors_now.iter().filter(|(name, _)| name.starts_with("tmp275_"));
    for (name, sensor) in others {
        assert_eq!(quality(sensor), "good", "{name}: {sensor}");
    }
    rig.shell("modprobe tmp421");
    rig.eventually("all of them are read", |rig| (count(rig) == (16, 16)).then_some(()));
    // It goes and comes again under other numbers: nobody goes on reading files of a device that is gone.
    rig.shell("modprobe -r tmp421");
    rig.eventually("none of them is read", |rig| (count(rig) == (16, 0)).then_some(()));
    rig.shell("modprobe tmp421");
    rig.eventually("all of them are read again", |rig| (count(rig) == (16, 16)).then_some(()));
}

fn every_thermometer(rig: &mut Rig) {
    // Each its own, so that no two can be mistaken for each other; none near a limit.
    let mut told = BTreeMap::new();
    let thermometers = rig.bench.thermometers();
    let drivers = |name: &str| thermometers.values().filter(|thermometer| thermometer.driver() == name).count();
    assert_eq!((drivers("tmp275"), drivers("tmp423")), (13, 4));
    for (chip, thermometer) in &thermometers {
        for number in 1..=thermometer.properties.len() {
            let celsius = 20.5 + f64::from(u32::try_from(told.len()).expect("few")) / 2.0;
            rig.bench.set_temperature(*chip, number, celsius).expect("it can be set");
            told.insert(sensor_name(*chip, thermometer, number), celsius);
        }
    }
    assert_eq!(told.len(), 13 + 4 * 4);
    rig.eventually("every sensor reads what was told", |rig| {
        let sensors = sensors(rig);
        let wrong: Vec<String> = told
            .iter()
            .filter_map(|(name, celsius)| {
                let value = sensors.get(name).and_then(|sensor| sensor["value"].as_f64());
                // A sixteenth of a degree is what these chips can tell.
                let right = value.is_some_and(|value| (value - celsius).abs() <= 0.07);
                (!right).then(|| format!("{name}: {value:?}, told {celsius}"))
            })
            .collect();
        if !wrong.is_empty() {
            println!("        not yet: {}", wrong.join("; "));
        }
        wrong.is_empty().then_some(())
    });
}

fn console(rig: &mut Rig) {
    let mut line = UnixStream::connect(rig.run().console()).expect("the line");
    line.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let mut screen = vt100::Parser::new(24_u16.try_into().expect("rows"), 80_u16.try_into().expect("columns"), 0);
    let begun = Instant::now();
    let mut buffer = [0; 4096];
    line.write_all(b"\r").expect("Enter");
    loop {
        // Silence is no end.
        let count = line.read(&mut buffer).unwrap_or(0);
        screen.process(&buffer[..count]);
        let shown = screen.screen().contents();
        if shown.contains("ubmc rainier") && shown.contains("chassis") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the console does not show the board:\n{shown}");
    }
    // What it drew is read to the end, so that the program can leave.
    line.write_all(b"q").expect("the key to leave");
    let begun = Instant::now();
    while !screen.screen().contents().contains("Press Enter") {
        let count = line.read(&mut buffer).unwrap_or(0);
        screen.process(&buffer[..count]);
        assert!(begun.elapsed() < PATIENCE, "the console does not end:\n{}", screen.screen().contents());
    }
}

fn power_on(rig: &mut Rig) {
    assert!(!lit(rig), "the chassis is off");
    let done = rig.ctl("chassis on --wait");
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert_eq!(rig.state("chassis"), "on");
    assert!(rig.bench.level(CONTROL).expect("it can be read"));
    assert!(rig.bench.level("power-chassis-good").expect("it can be read"));
    rig.eventually("the LED is lit", |rig| lit(rig).then_some(()));
}

fn power_off(rig: &mut Rig) {
    let done = rig.ctl("chassis off --wait");
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert_eq!(rig.state("chassis"), "off");
    assert!(!rig.bench.level(CONTROL).expect("it can be read"));
    rig.eventually("the LED is dark", |rig| (!lit(rig)).then_some(()));
}

fn killed(rig: &mut Rig) {
    assert_eq!(rig.state("chassis"), "on");
    let before = rig.edges(CONTROL).len();
    calm_fans(rig);
    let pid = rig.daemon();
    let reaction = full_speed_after(rig, pid, "KILL");
    println!("        fail-safe on every fan {reaction} after SIGKILL");
    assert!(reaction.within(REACTION_MS), "{reaction}");
    rig.eventually("another ubmcd answers", |rig| {
        (rig.ctl("bmc status").code == 0 && rig.daemon() != pid).then_some(())
    });
    rig.await_state("bmc", "ready");
    rig.await_state("chassis", "on");
    assert_eq!(rig.edges(CONTROL)[before..], [], "nobody touches {CONTROL}");
    assert!(rig.bench.level(CONTROL).expect("it can be read"));
    rig.eventually("the LED is lit", |rig| lit(rig).then_some(()));
}

fn hung(rig: &mut Rig) {
    let before = rig.edges(CONTROL).len();
    calm_fans(rig);
    let pid = rig.daemon();
    let reaction = full_speed_after(rig, pid, "STOP");
    println!("        fail-safe on every fan {reaction} after SIGSTOP");
    rig.shell(&format!("kill -CONT {pid}"));
    // The silence that counts as hanging comes before.
    assert!(reaction.within(SILENCE_MS + REACTION_MS), "{reaction}");
    rig.await_state("chassis", "on");
    calm_fans(rig);
    assert_eq!(rig.edges(CONTROL)[before..], [], "nobody touches {CONTROL}");
}

fn guardian_killed(rig: &mut Rig) {
    let newest = rig.newest();
    let guardian = rig.processes("ubmcd", "guardian");
    assert_eq!(guardian.len(), 1, "one guardian: {guardian:?}");
    rig.shell(&format!("kill -KILL {}", guardian[0]));
    rig.eventually("another guardian", |rig| {
        let now = rig.processes("ubmcd", "guardian");
        (now.len() == 1 && now != guardian).then_some(())
    });
    let told = rig.events(newest);
    assert!(told.iter().any(|event| event.to_string().contains("guardian")), "{told:#?}");
    assert_eq!(rig.state("chassis"), "on");
}

fn silent_supply(rig: &mut Rig) {
    let before = rig.edges(CONTROL).len();
    let newest = rig.newest();
    rig.bench.supply(Mode::Silent);
    let done = rig.ctl("chassis on --wait");
    assert_eq!(done.code, 1, "it failed: {}{}", done.out, done.err);
    rig.await_state("chassis", "off");
    assert!(!rig.bench.level(CONTROL).expect("it can be read"), "as after a power-off in order");
    let levels: Vec<Option<bool>> = rig.edges(CONTROL)[before..].iter().map(|edge| edge.level).collect();
    assert_eq!(levels, [Some(true), Some(false)], "asked for once, and taken back");
    let told = rig.events(newest);
    assert!(told.iter().any(|event| event["severity"] == "error"), "somebody is told: {told:#?}");
    rig.bench.supply(Mode::On);
    power_on(rig);
    power_off(rig);
}

fn killed_while_powering_on(rig: &mut Rig) {
    rig.bench.supply(Mode::Silent);
    let done = rig.ctl("chassis on");
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    rig.eventually("power is asked for", |rig| rig.bench.level(CONTROL).expect("it can be read").then_some(()));
    rig.eventually("it is remembered", |rig| {
        (rig.try_shell("tr -d '\\n ' </var/lib/ubmc/memory.json | grep -q '\"operations\":{\"'").code == 0)
            .then_some(())
    });
    let pid = rig.daemon();
    rig.shell(&format!("kill -KILL {pid}"));
    rig.eventually("another ubmcd answers", |rig| {
        (rig.ctl("bmc status").code == 0 && rig.daemon() != pid).then_some(())
    });
    rig.await_state("bmc", "ready");
    // Power-good is low, whatever the last ubmcd was about to do: nothing counts as on, and nothing is gone on with.
    rig.await_state("chassis", "off");
    rig.eventually("nobody asks for power any more", |rig| {
        (!rig.bench.level(CONTROL).expect("it can be read")).then_some(())
    });
    rig.eventually("the operation is told as interrupted", |rig| {
        let cut_off =
            |event: &Value| event["subject"].as_str().is_some_and(|subject| subject.ends_with(".interrupted"));
        rig.events(0).iter().any(cut_off).then_some(())
    });
    rig.bench.supply(Mode::On);
    power_on(rig);
    power_off(rig);
}

fn dying_supply(rig: &mut Rig) {
    power_on(rig);
    let newest = rig.newest();
    rig.bench.supply(Mode::Dead);
    rig.await_state("chassis", "off");
    assert!(!rig.bench.level(CONTROL).expect("it can be read"), "nothing asks a dead supply for power");
    let told = rig.events(newest);
    let worst = |event: &Value| matches!(event["severity"].as_str(), Some("error" | "critical"));
    assert!(told.iter().any(worst), "somebody is told: {told:#?}");
    rig.bench.supply(Mode::On);
    rig.eventually("the LED is dark", |rig| (!lit(rig)).then_some(()));
}

fn presence(rig: &mut Rig) {
    for name in ["ps0", "ps3"] {
        let newest = rig.newest();
        rig.bench.presence(name, false).expect("it can be pulled");
        rig.await_event(newest, &format!("supply.{name}.absent"));
        let newest = rig.newest();
        rig.bench.presence(name, true).expect("it can be plugged in");
        rig.await_event(newest, &format!("supply.{name}.restored"));
    }
}

fn over_temperature(rig: &mut Rig) {
    let chip: Chip = "6-004b".parse().expect("a chip");
    power_on(rig);
    let newest = rig.newest();
    rig.bench.set_temperature(chip, 1, 95.0).expect("it can be set");
    rig.await_state("chassis", "off");
    assert!(!rig.bench.level(CONTROL).expect("it can be read"));
    let told = rig.events(newest);
    let by_trip = |event: &Value| event["text"].as_str().is_some_and(|text| text.contains("trip"));
    assert!(told.iter().any(by_trip), "{told:#?}");
    assert_eq!(zone(rig)["state"], "tripped");
    // Cool again, and still latched: power is refused.
    rig.bench.set_temperature(chip, 1, 25.0).expect("it can be set");
    rig.eventually("it is cool", |rig| {
        let value = sensors(rig)["tmp275_6-004b"]["value"].as_f64();
        value.is_some_and(|value| value < 30.0).then_some(())
    });
    assert_eq!(zone(rig)["state"], "tripped", "a trip latches");
    let done = rig.ctl("chassis on --wait");
    assert_eq!(done.code, 4, "refused: {}{}", done.out, done.err);
    assert!(!rig.bench.level(CONTROL).expect("it can be read"));
    // An operator's own off releases it.
    let done = rig.ctl("chassis off --wait");
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    rig.eventually("the trip is released", |rig| (zone(rig)["state"] != "tripped").then_some(()));
    power_on(rig);
    power_off(rig);
}

/// What ubmcd costs here, with every sensor of the board read once a second and nobody asking.
fn figures(rig: &mut Rig) {
    const SECONDS: u32 = 30;
    let daemon = rig.daemon();
    let guardian = rig.processes("ubmcd", "guardian").first().copied();
    // Hundredths of a second of both kinds; fields counted behind the name, which is in brackets.
    let spent = |rig: &mut Rig, pid: u32| -> u64 {
        let stat = rig.shell(&format!("cat /proc/{pid}/stat"));
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
    };
    let before = (spent(rig, daemon), guardian.map(|pid| spent(rig, pid)));
    let uptime = board_seconds(rig);
    rig.shell(&format!("sleep {SECONDS}"));
    let after = (spent(rig, daemon), guardian.map(|pid| spent(rig, pid)));
    let passed = board_seconds(rig) - uptime;
    #[expect(clippy::cast_precision_loss, reason = "hundredths of seconds")]
    let share = |after: u64, before: u64| (after - before) as f64 / passed;
    let sensors = sensors(rig).len();
    println!("        ubmcd: {:.2} % of one processor with {sensors} sensors at 1 Hz", share(after.0, before.0));
    if let (Some(after), Some(before)) = (after.1, before.1) {
        println!("        its guardian: {:.2} % of one processor", share(after, before));
    }
    for (name, pid) in [("ubmcd", Some(daemon)), ("its guardian", guardian)] {
        let Some(pid) = pid else { continue };
        let text = rig.shell(&format!("cat /proc/{pid}/smaps_rollup"));
        let of = |key: &str| {
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
            line.split_whitespace().nth(1).unwrap_or("?").to_owned()
        };
        println!("        {name}: {} KiB resident, {} KiB of them its own share", of("Rss:"), of("Pss:"));
    }
}

fn board_seconds(rig: &mut Rig) -> f64 {
    let text = rig.shell("cat /proc/uptime");
    text.split(' ').next().and_then(|text| text.parse().ok()).expect("a number")
}

fn sensors(rig: &mut Rig) -> BTreeMap<String, Value> {
    let list = rig.json("sensors list");
    let list = list.as_array().expect("a list");
    list.iter().map(|sensor| (sensor["name"].as_str().unwrap_or_default().to_owned(), sensor.clone())).collect()
}

fn quality(sensor: &Value) -> &str {
    sensor["quality"].as_str().unwrap_or("none")
}

/// As `platforms/boards/rainier.toml` names them.
fn sensor_name(chip: Chip, thermometer: &Thermometer, number: usize) -> String {
    let driver = thermometer.driver();
    if thermometer.properties.len() == 1 { format!("{driver}_{chip}") } else { format!("{driver}_{chip}_{number}") }
}

fn zone(rig: &mut Rig) -> Value {
    rig.json("zones list")[0].clone()
}

/// Waits until the zone is under control and every fan is below full speed, also at its chip.
fn calm_fans(rig: &mut Rig) {
    rig.eventually("the fans are under control", |rig| {
        let zone = zone(rig);
        let calm = zone["state"] == "controlled" && zone["duty"].as_f64().is_some_and(|duty| duty < 39.0);
        (calm && duties(rig).iter().all(|duty| *duty < FULL)).then_some(())
    });
}

fn duties(rig: &mut Rig) -> Vec<u32> {
    let text = rig.shell(&format!("cat {FANS}/pwm?"));
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// What a watcher on the board saw of the fans.
struct Reaction {
    /// Milliseconds from the signal to full duty on the last fan, by the board's clock.
    took: u32,
    /// The longest that one look at all fans took the watcher, who does nothing else. Where the host is busy with other
    /// things, the board is held up by it, and this with it.
    look: u32,
}

impl Reaction {
    fn within(&self, limit: u32) -> bool {
        self.took <= limit + self.look
    }
}

impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms (board time; looked at every {} ms at worst)", self.took, self.look)
    }
}

/// Sends a signal, and waits until every fan is at full duty. Watched on the board, by a shell that starts no program
/// meanwhile; the clock that it reads counts hundredths.
fn full_speed_after(rig: &mut Rig, pid: u32, signal: &str) -> Reaction {
    let told = rig.shell(&format!(
        "cd {FANS}; clock() {{ read -r t _ </proc/uptime; now=${{t%.*}}${{t#*.}}; }}
         kill -{signal} {pid}; clock; begun=$now worst=0
         while :; do
           all=1 last=$now
           for p in pwm1 pwm2 pwm3 pwm4 pwm5 pwm6; do read -r v <$p; [ \"${{v:-0}}\" -ge {FULL} ] || all=; done
           clock
           [ $((now - last)) -le $worst ] || worst=$((now - last))
           [ -z \"$all\" ] || break
           [ $((now - begun)) -lt 1000 ] || break
         done
         echo $((now - begun)) $worst"
    ));
    let numbers: Vec<u32> = told.split_whitespace().map(|word| word.parse::<u32>().expect("a number") * 10).collect();
    Reaction { took: numbers[0], look: numbers[1] }
}

fn lit(rig: &mut Rig) -> bool {
    rig.shell(&format!("cat {POWER_LED}")).trim() != "0"
}
