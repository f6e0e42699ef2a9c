//! A board on its bench, with ubmcd on it: what a test of it needs in its hands.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    agent::{Agent, Done},
    bench::Bench,
    edges::{self, Edge},
    emulator::{Boot, Emulator, Image, Run},
    places::Line,
};

/// How long a command of a test may take on the board, whose processor is emulated.
const LIMIT: Duration = Duration::from_secs(60);
/// How long anything may take until it counts as never.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A board under test. Dropping it is a power cut.
#[derive(Debug)]
pub struct Rig {
    /// What is around the board.
    pub bench: Bench,
    agent: Agent,
    /// Before the folder of its run goes.
    emulator: Emulator,
    folder: tempfile::TempDir,
}

impl Rig {
    /// Boots a board, and waits until it takes commands.
    pub fn boot(image: &Image, boot: &Boot) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let emulator = Emulator::start(image, &Run::at(folder.path()), boot).unwrap_or_else(|error| panic!("{error}"));
        let bench = Bench::start(emulator.run()).unwrap_or_else(|error| panic!("{error}"));
        let agent = Agent::await_board(&emulator.run().agent(), Duration::from_secs(240)).unwrap_or_else(|error| {
            panic!("{error}\n{}", fs::read_to_string(emulator.run().kernel_log()).unwrap_or_default())
        });
        Self { bench, agent, emulator, folder }
    }

    /// Sockets and logs of the run.
    pub fn run(&self) -> &Run {
        self.emulator.run()
    }

    /// Runs a shell command on the board, whatever comes of it.
    pub fn try_shell(&mut self, command: &str) -> Done {
        self.agent.run(command, LIMIT).unwrap_or_else(|error| panic!("{error}\n{}", self.logs()))
    }

    /// Runs a shell command on the board, which must succeed, and gives what it printed.
    pub fn shell(&mut self, command: &str) -> String {
        let done = self.try_shell(command);
        assert_eq!(done.code, 0, "on the board, `{command}`:\n{}{}", done.out, done.err);
        done.out
    }

    /// Runs `ubmcctl` on the board, whatever comes of it.
    pub fn ctl(&mut self, arguments: &str) -> Done {
        self.try_shell(&format!("ubmcctl --yes --reason test {arguments}"))
    }

    /// Runs `ubmcctl` on the board, which must succeed, and reads the JSON it prints.
    pub fn json(&mut self, arguments: &str) -> Value {
        let done = self.ctl(&format!("--output json {arguments}"));
        assert_eq!(done.code, 0, "ubmcctl {arguments}:\n{}{}", done.out, done.err);
        serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("ubmcctl {arguments}: {error}\n{}", done.out))
    }

    /// State of a machine.
    pub fn state(&mut self, machine: &str) -> String {
        let shown = self.json(&format!("machines show {machine}"));
        shown["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Number of the newest event.
    pub fn newest(&mut self) -> u64 {
        self.events(0).iter().filter_map(|event| event["seq"].as_u64()).max().unwrap_or(0)
    }

    /// Events after a number.
    pub fn events(&mut self, after: u64) -> Vec<Value> {
        let done = self.ctl(&format!("--output jsonl events list --since {after}"));
        assert_eq!(done.code, 0, "ubmcctl events list:\n{}{}", done.out, done.err);
        done.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for an event about a subject after a number.
    pub fn await_event(&mut self, after: u64, subject: &str) -> Value {
        let mut seen = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            seen = self.events(after);
            if let Some(event) = seen.iter().find(|event| event["subject"] == subject) {
                return event.clone();
            }
        }
        let mut told = String::new();
        for event in seen {
            let _ = writeln!(told, "  {} {}", event["subject"], event["text"]);
        }
        panic!("no event about {subject}; there were:\n{told}");
    }

    /// Looks again and again until `probe` gives something; says `what` when it never does.
    pub fn eventually<T>(&mut self, what: &str, mut probe: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = probe(self) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "never: {what}\n{}", self.logs());
            // Every look asks the board, which takes its time: no pause is needed.
        }
    }

    /// Waits until a machine is in a state.
    pub fn await_state(&mut self, machine: &str, state: &str) {
        let mut is = String::new();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            is = self.state(machine);
            if is == state {
                return;
            }
        }
        panic!("{machine} is {is}, not {state}\n{}", self.logs());
    }

    /// What the board itself did to a line since it was switched on.
    pub fn edges(&self, name: &str) -> Vec<Edge> {
        let line = Line::named(name).unwrap_or_else(|| panic!("no line {name}"));
        edges::of(&self.run().trace(), line).unwrap_or_default()
    }

    /// The process that is ubmcd, and neither its guardian nor a service of its making.
    pub fn daemon(&mut self) -> u32 {
        let found = self.processes("ubmcd", "--board");
        found.first().copied().unwrap_or_else(|| panic!("no ubmcd runs\n{}", self.logs()))
    }

    /// Processes of a program that have an argument.
    pub fn processes(&mut self, program: &str, argument: &str) -> Vec<u32> {
        let list = self.shell(&format!(
            "for p in $(pidof {program}); do echo \"$p $(tr '\\0' ' ' </proc/$p/cmdline)\"; done 2>/dev/null; true"
        ));
        let processes = list.lines().filter_map(|line| line.split_once(' '));
        let wanted = |line: &str| line.split(' ').skip(1).any(|word| word == argument);
        processes.filter(|(_, line)| wanted(line)).filter_map(|(pid, _)| pid.parse().ok()).collect()
    }

    /// Ends the board, and leaves its logs where they can be read.
    pub fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// The ends of the logs, for a failure.
    pub fn logs(&self) -> String {
        let tail = |path: PathBuf| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(60)..].join("\n")
        };
        format!("-- ubmcd\n{}\n-- kernel and init\n{}", tail(self.run().daemon_log()), tail(self.run().kernel_log()))
    }
}
