//! The simulated board as a real process: it outlives who started it, ends when told, and there is only ever one.
#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getsid, kill_process, test_kill_process};
use tempfile::TempDir;
use ubmc_core::units::Level;
use ubmc_platforms::sim::{
    SimConfig,
    client::{ClientError, Launch, Launched, SimClient, ensure, unplug},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ubmc-sim-board");
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory whose board is unplugged at the end, whatever happens.
struct Dir(TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn launch(&self) -> Launch {
        Launch {
            dir: self.path().to_owned(),
            config: SimConfig::default(),
            command: vec![PROGRAM.into(), "run".into()],
            timeout: PATIENCE,
        }
    }

    fn client(&self) -> SimClient {
        SimClient::new(self.path())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        unplug(self.path()).unwrap();
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

#[track_caller]
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_board_outlives_its_starter_with_its_state() {
    let dir = Dir::new();
    let start = || {
        let output = Command::new(PROGRAM).arg("start").arg(dir.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().unwrap()
    };
    let board = start();
    dir.client().set_line("chassis.power_control", Level::High).unwrap();
    assert_eq!(getsid(Some(pid(board))).unwrap(), pid(board), "a session of its own");
    // The starter has ended; another one finds the same board, as it was left.
    assert_eq!(start(), board);
    assert!(dir.client().lines().unwrap().contains(&("chassis.power_control".into(), Level::High)));
    dir.client().stop().unwrap();
    // An orphan may stay a zombie where nobody reaps; what counts is that the directory is free.
    eventually("the directory becomes free", || !dir.path().join("board.pid").exists());
    assert!(matches!(dir.client().lines(), Err(ClientError::NotRunning(_))));
}

#[test]
fn term_ends_it_and_its_state() {
    let dir = Dir::new();
    let Launched::Started { pid: board } = ensure(&dir.launch()).unwrap() else { panic!("there was none") };
    dir.client().set_line("chassis.power_control", Level::High).unwrap();
    kill_process(pid(board), Signal::TERM).unwrap();
    eventually("the process is reaped", || test_kill_process(pid(board)).is_err());
    assert!(!dir.path().join("board.sock").exists());
    assert!(matches!(ensure(&dir.launch()).unwrap(), Launched::Started { .. }));
    assert!(dir.client().lines().unwrap().contains(&("chassis.power_control".into(), Level::Low)), "unplugged");
}

#[test]
fn a_board_whose_directory_is_gone_ends_when_told_and_by_itself() {
    for told in [true, false] {
        let dir = Dir::new();
        let Launched::Started { pid: board } = ensure(&dir.launch()).unwrap() else { panic!("there was none") };
        std::fs::remove_dir_all(dir.path()).unwrap();
        if told {
            kill_process(pid(board), Signal::TERM).unwrap();
        }
        eventually("the process is reaped", || test_kill_process(pid(board)).is_err());
        std::fs::create_dir(dir.path()).unwrap();
    }
}

#[test]
fn many_starters_at_once_get_one_board() {
    let dir = Dir::new();
    let launch = dir.launch();
    let pids: Vec<_> = thread::scope(|scope| {
        let starters: Vec<_> = (0..4).map(|_| scope.spawn(|| ensure(&launch).unwrap().pid())).collect();
        starters.into_iter().map(|starter| starter.join().unwrap()).collect()
    });
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
}

#[test]
fn a_board_of_another_configuration_is_replaced_and_the_same_one_kept() {
    let dir = Dir::new();
    let mut launch = dir.launch();
    let first = ensure(&launch).unwrap();
    assert_eq!(ensure(&launch).unwrap(), Launched::Found { pid: first.pid() });
    launch.config.hosts.count = 4;
    let second = ensure(&launch).unwrap();
    assert!(matches!(second, Launched::Replaced { pid } if pid != first.pid()));
    assert_eq!(dir.client().identify().unwrap().config.hosts.count, 4);
}

#[test]
fn a_board_that_hangs_holds_nobody_and_is_replaced() {
    let dir = Dir::new();
    let first = ensure(&dir.launch()).unwrap();
    let timeout = Duration::from_millis(100);
    let mut client = dir.client().with_timeout(timeout);
    let mut subscription = dir.client().subscribe().unwrap();
    kill_process(pid(first.pid()), Signal::STOP).unwrap();
    // A signal takes its time to reach every thread.
    eventually("it hangs", || client.lines().is_err());
    for _ in 0..3 {
        assert!(matches!(client.lines(), Err(ClientError::Timeout(_))));
    }
    eventually("a subscriber notices the silence", || subscription.next(timeout).is_err());
    assert!(matches!(ensure(&dir.launch()).unwrap(), Launched::Replaced { .. }));
    dir.client().lines().unwrap();
}

#[test]
fn a_board_that_cannot_start_says_why() {
    let dir = Dir::new();
    for (program, arguments, expected) in [
        ("/nonexistent/board", &[][..], "cannot start the simulated board: /nonexistent/board: No such file"),
        (
            "/bin/sh",
            &["-c", "echo no hardware today >&2; exit 3"],
            "cannot start the simulated board: its process ended (exit status: 3): no hardware today",
        ),
    ] {
        let mut launch = dir.launch();
        launch.command = [program].iter().chain(arguments).map(Into::into).collect();
        let told = ensure(&launch).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{told}");
    }
    let mut launch = dir.launch();
    launch.command = ["/bin/sleep", "600"].iter().map(Into::into).collect();
    // sleep refuses the arguments that are added.
    assert!(matches!(ensure(&launch), Err(ClientError::Start(_))));
}
