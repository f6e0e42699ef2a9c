//! The guardian: the real binaries on the simulated board, whose fans are asked directly. Whoever dies, hangs or leaves, the
//! fans must be where they should be.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up should say where")]

use std::{
    fs,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use ubmc_platforms::sim::client::{SimClient, unplug};
use ubmc_tests::daemon::{PATIENCE, Ubmcd, eventually};

/// What SPEC's HW-4 allows for a death, by the guardian's own clock: other processes may be late to look.
const REACTION: Duration = Duration::from_millis(100);
/// What it allows for a hang; seen from outside, this must hold for a death too.
const HANG: Duration = Duration::from_secs(1);
/// Of both zones of `sim-2u`.
const FAILSAFE: f64 = 100.0;
/// A controller's own step, in percent: 2 % a second where it falls, and what a reading's noise makes of it.
const STEP: f64 = 4.0;

struct Board(SimClient);

impl Board {
    fn of(ubmcd: &Ubmcd) -> Self {
        Self(SimClient::new(ubmcd.path("state/sim")))
    }

    fn duties(&mut self) -> Vec<f64> {
        let state = self.0.state().expect("the board answers");
        let duty = |value: &&ubmc_platforms::sim::protocol::ValueText| value.name.strip_suffix(".duty").is_some();
        let duties: Vec<_> = state.values.iter().filter(duty).map(|value| value.value).collect();
        assert_eq!(duties.len(), 6);
        duties
    }

    /// How long it takes until all duties are so.
    fn until(&mut self, what: &str, so: impl Fn(f64) -> bool) -> Duration {
        let begun = Instant::now();
        loop {
            let duties = self.duties();
            if duties.iter().all(|duty| so(*duty)) {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < PATIENCE, "{what}: the fans are at {duties:?}");
        }
    }

    fn until_safe(&mut self) -> Duration {
        self.until("never safe", |duty| duty >= FAILSAFE)
    }

    fn until_calm(&mut self) -> Duration {
        self.until("never calm", |duty| duty < FAILSAFE - 20.0)
    }
}

/// A daemon whose fans are under control.
fn cool(more: &[&str]) -> (Ubmcd, Board) {
    let mut ubmcd = Ubmcd::idle();
    let board = ubmcd.quiet_board();
    ubmcd.launch(&[&["--board", &board], more].concat());
    let mut board = Board::of(&ubmcd);
    board.until_calm();
    eventually("the guardian watches", || (guardian(&ubmcd)["state"] == "watching").then_some(()));
    (ubmcd, board)
}

fn guardian(ubmcd: &Ubmcd) -> Value {
    ubmcd.json(&["platform", "status"])["guardian"].clone()
}

fn guardian_pid(ubmcd: &Ubmcd) -> Pid {
    let pid = eventually("there is a guardian", || guardian(ubmcd)["pid"].as_i64());
    Pid::from_raw(i32::try_from(pid).expect("a pid"))
}

fn events(ubmcd: &Ubmcd, subject: &str) -> Vec<String> {
    let events = ubmcd.json(&["events", "list", "--subject", subject]);
    let texts = events.as_array().expect("a list").iter().map(|event| event["text"].as_str().unwrap_or("").to_owned());
    texts.collect()
}

/// What the guardian wrote; waits for a line.
fn logged(ubmcd: &Ubmcd, what: &str) -> String {
    eventually(what, || {
        let log = fs::read_to_string(ubmcd.path("state/guardian.log")).unwrap_or_default();
        log.contains(what).then_some(log)
    })
}

/// How long the last takeover took, by the guardian's own clock.
fn takeover(ubmcd: &Ubmcd, why: &str) -> Duration {
    eventually("the takeover is logged", || {
        let log = logged(ubmcd, why);
        let (_, after) = log.rsplit_once(why)?;
        let (_, took) = after.split_once("its fail-safe duty after ")?;
        let ms: f64 = took.split(' ').next()?.parse().ok()?;
        Some(Duration::from_secs_f64(ms / 1e3))
    })
}

fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn the_death_of_ubmcd_makes_every_fan_safe_and_the_next_one_takes_over_in_order() {
    let (mut ubmcd, mut board) = cool(&[]);
    let guardian = guardian_pid(&ubmcd);
    let killed = Instant::now();
    ubmcd.sigkill();
    board.until_safe();
    let outside = killed.elapsed();
    let inside = takeover(&ubmcd, "takes over: ubmcd has ended without a word");
    assert!(inside <= REACTION && outside <= HANG, "{inside:?} inside, {outside:?} outside");
    ubmcd.relaunch();
    assert_eq!(guardian_pid(&ubmcd), guardian, "the guardian was found");
    board.until_calm();
    eventually("it is told", || {
        let told = events(&ubmcd, "guardian.relieved");
        told.iter().any(|text| text.contains("because ubmcd had died")).then_some(())
    });
}

#[test]
fn a_hang_of_ubmcd_makes_every_fan_safe_until_it_goes_on() {
    let (ubmcd, mut board) = cool(&[]);
    kill(ubmcd.pid(), Signal::SIGSTOP).expect("stopped");
    let stopped = Instant::now();
    board.until_safe();
    let outside = stopped.elapsed();
    let inside = takeover(&ubmcd, "takes over: ubmcd does not beat");
    assert!(inside <= REACTION && outside <= HANG + REACTION, "{inside:?} inside, {outside:?} outside");
    kill(ubmcd.pid(), Signal::SIGCONT).expect("goes on");
    board.until_calm();
    eventually("it is told", || {
        let told = events(&ubmcd, "guardian.relieved");
        told.iter().any(|text| text.contains("because ubmcd hung")).then_some(())
    });
    assert_eq!(guardian(&ubmcd)["state"], "watching");
}

#[test]
fn a_restart_in_order_disturbs_no_fan() {
    let (mut ubmcd, mut board) = cool(&["--keep-board"]);
    let guardian = guardian_pid(&ubmcd);
    // Something to hold that is neither the floor nor the fail-safe.
    assert_eq!(ubmcd.code(&["sim", "set", "ambient", "33"]), 0);
    board.until("the fans go up", |duty| duty > 24.0);
    // All the way, so that no reading asks for more meanwhile.
    eventually("the air is warm", || {
        let duty = ubmcd.json(&["zones", "explain", "system"])["duty"].as_f64()?;
        (39.5..45.0).contains(&duty).then_some(())
    });
    let mut before = board.duties();
    let mut worst: f64 = 0.0;
    let mut look = |board: &mut Board| {
        let duties = board.duties();
        for (was, is) in before.iter().zip(&duties) {
            worst = worst.max((was - is).abs());
        }
        before = duties;
    };
    let mut down = std::thread::spawn(move || {
        let code = ubmcd.shut_down();
        (ubmcd, code)
    });
    while !down.is_finished() {
        look(&mut board);
    }
    let (mut ubmcd, code) = down.join().expect("a shutdown");
    assert_eq!(code, Some(0));
    for _ in 0..20 {
        look(&mut board);
    }
    down = std::thread::spawn(move || {
        ubmcd.relaunch();
        (ubmcd, None)
    });
    while !down.is_finished() {
        look(&mut board);
    }
    let (ubmcd, _) = down.join().expect("a start");
    eventually("all zones are under control", || {
        look(&mut board);
        let zones = ubmcd.json(&["zones", "list"]);
        zones.as_array()?.iter().all(|zone| zone["state"] == "controlled").then_some(())
    });
    eventually("the guardian watches", || (self::guardian(&ubmcd)["state"] == "watching").then_some(()));
    look(&mut board);
    assert!(worst <= STEP, "a duty jumped by {worst} %");
    assert_eq!(guardian_pid(&ubmcd), guardian, "the guardian has stayed");
    let told = events(&ubmcd, "guardian.watching");
    assert!(told.iter().any(|text| text.contains("as the last ubmcd left them")), "{told:?}");
    assert!(events(&ubmcd, "guardian.relieved").is_empty(), "the guardian has had the fans");
    assert_eq!(ubmcd.code(&["sim", "stop"]), 0);
}

#[test]
fn without_an_heir_the_fans_are_made_safe_and_nothing_stays_behind() {
    let (mut ubmcd, mut board) = cool(&["--keep-board"]);
    let guardian = guardian_pid(&ubmcd);
    let before = board.duties();
    assert_eq!(ubmcd.shut_down(), Some(0));
    assert_eq!(board.duties(), before, "left as they were");
    let waited = board.until_safe();
    assert!(waited > Duration::from_secs(5), "the heir got {waited:?} only");
    eventually("the guardian ends", || (!is_running(guardian)).then_some(()));
    unplug(&ubmcd.path("state/sim")).expect("the board is unplugged");
}

#[test]
fn an_end_in_order_is_the_guardians_end_and_no_other_is_made() {
    let (mut ubmcd, _) = cool(&[]);
    let guardian = guardian_pid(&ubmcd);
    assert_eq!(ubmcd.shut_down(), Some(0));
    eventually("the guardian ends", || (!is_running(guardian)).then_some(()));
    let log = logged(&ubmcd, "ends");
    assert_eq!(log.matches("waits for ubmcd").count(), 1, "{log}");
}

#[test]
fn a_guardian_that_dies_or_hangs_is_replaced_and_the_fans_do_not_notice() {
    let (ubmcd, mut board) = cool(&[]);
    for (signal, word) in [(Signal::SIGKILL, "has ended"), (Signal::SIGSTOP, "hangs")] {
        let old = guardian_pid(&ubmcd);
        kill(old, signal).expect("it is told");
        let new = eventually("another is made", || {
            assert!(board.duties().iter().all(|duty| *duty < FAILSAFE - 20.0), "{:?}", board.duties());
            Some(guardian_pid(&ubmcd)).filter(|new| *new != old)
        });
        eventually("the old one is gone", || (!is_running(old)).then_some(()));
        assert!(is_running(new));
        let told = events(&ubmcd, "guardian.lost");
        assert!(told.last().is_some_and(|text| text.contains(word)), "{told:?}");
    }
    assert_eq!(guardian(&ubmcd)["state"], "watching");
}

#[test]
fn a_fan_that_refuses_its_duty_keeps_no_other_from_being_safe_and_is_tried_again() {
    let (mut ubmcd, mut board) = cool(&[]);
    assert_eq!(ubmcd.code(&["sim", "fault", "inject", "pwm-write-fails", "fan.2"]), 0);
    ubmcd.sigkill();
    let begun = Instant::now();
    while board.duties().iter().filter(|duty| **duty >= FAILSAFE).count() < 5 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", board.duties());
    }
    assert!(board.duties()[2] < FAILSAFE, "it refuses");
    logged(&ubmcd, "fan.2 does not take its fail-safe duty");
    board.0.clear("pwm-write-fails", "fan.2").expect("the fault ends");
    board.until_safe();
    ubmcd.relaunch();
}

#[test]
fn a_guardian_of_another_board_is_replaced_without_a_gap() {
    let (mut ubmcd, mut board) = cool(&[]);
    let old = guardian_pid(&ubmcd);
    ubmcd.sigkill();
    board.until_safe();
    let file = ubmcd.path("board.toml");
    let text = fs::read_to_string(&file).expect("the board");
    assert!(text.contains("failsafe = 100\n"));
    fs::write(&file, text.replacen("failsafe = 100\n", "failsafe = 95\n", 1)).expect("another board");
    ubmcd.relaunch();
    let new = guardian_pid(&ubmcd);
    assert_ne!(new, old);
    eventually("the old one is gone", || (!is_running(old)).then_some(()));
    board.until_calm();
    // It was told, or has seen before that its place is another's.
    logged(&ubmcd, "its place");
}

#[test]
fn a_guardian_whose_simulated_board_is_gone_ends_after_a_while() {
    let (mut ubmcd, _) = cool(&[]);
    let guardian = guardian_pid(&ubmcd);
    ubmcd.sigkill();
    unplug(&ubmcd.path("state/sim")).expect("the board is unplugged");
    eventually("the guardian ends", || (!is_running(guardian)).then_some(()));
    logged(&ubmcd, "the simulated board is gone");
}

#[test]
fn when_no_guardian_can_be_made_that_is_a_problem_and_nothing_else() {
    let mut ubmcd = Ubmcd::idle();
    let board = ubmcd.quiet_board();
    // Where its log belongs there is a directory.
    fs::create_dir_all(ubmcd.path("state/guardian.log")).expect("made");
    ubmcd.launch(&["--board", &board]);
    Board::of(&ubmcd).until_calm();
    eventually("it is told", || (guardian(&ubmcd)["state"] == "absent").then_some(()));
    let status = ubmcd.json(&["platform", "status"]);
    let problems = status["problems"].as_array().expect("a list");
    assert!(problems.iter().any(|problem| problem["kind"] == "fans-not-guarded"), "{problems:?}");
    fs::remove_dir(ubmcd.path("state/guardian.log")).expect("removed");
    eventually("one is made at last", || (guardian(&ubmcd)["state"] == "watching").then_some(()));
}
