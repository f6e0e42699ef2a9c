//! The real `ubmcd` in a folder of its own, and the real `ubmcctl` on it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::Channel;
use ubmc_proto::transport::{Address, connect};

use crate::traces::{marked, zombies_of};

/// How long anything may take on a busy machine before it counts as never.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A binary of the workspace. `scripts/test` has built it.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(path.exists(), "{} is not built: run `cargo build --workspace --bins` first", path.display());
    path
}

/// Waits until `probe` gives something; says `what` when it never does.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        // Between two looks at the world outside; nothing is timed by it.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A running daemon. Dropping it shuts it down in order and checks that nothing is left of it.
pub struct Ubmcd {
    child: Option<Child>,
    folder: TempDir,
    /// Of the last launch.
    arguments: Vec<String>,
}

impl Ubmcd {
    /// Starts on `sim-2u` with further arguments, and waits until it answers.
    pub fn start(arguments: &[&str]) -> Self {
        let mut ubmcd = Self::idle();
        ubmcd.launch(arguments);
        ubmcd
    }

    /// A folder in which nothing runs yet.
    pub fn idle() -> Self {
        Self { child: None, folder: tempfile::tempdir().expect("a temporary folder"), arguments: Vec::new() }
    }

    /// Starts with a registry of processes beside the board's own services.
    pub fn with_services(registry: &str) -> Self {
        let mut ubmcd = Self::idle();
        let arguments = ubmcd.declared(registry);
        ubmcd.launch(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        ubmcd
    }

    /// Arguments for a daemon with a registry of processes beside the board's own services.
    pub fn declared(&self, registry: &str) -> Vec<String> {
        self.declare(registry);
        // The shipped services listen on fixed ports: several daemons at a time need a board without them.
        let services = self.path("services.toml").to_str().expect("a path").to_owned();
        vec!["--board".to_owned(), self.quiet_board(), "--services".to_owned(), services]
    }

    /// Writes the registry of processes; `$WORKLOAD` in it is the helper binary, `$FOLDER` this daemon's folder.
    pub fn declare(&self, registry: &str) {
        let text = registry
            .replace("$WORKLOAD", binary("ubmc-workload").to_str().expect("a path"))
            .replace("$FOLDER", self.folder.path().to_str().expect("a path"));
        fs::write(self.path("services.toml"), text).expect("the registry is written");
    }

    /// A copy of `sim-2u` that supervises its built-in services only.
    pub fn quiet_board(&self) -> String {
        let shipped = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../platforms/boards/sim-2u.toml"));
        let file = self.folder.path().join("board.toml");
        fs::write(&file, without_processes(&shipped.expect("the shipped board"))).expect("the board is written");
        file.to_str().expect("a path").to_owned()
    }

    /// Starts again in the same folder.
    pub fn launch(&mut self, arguments: &[&str]) {
        self.launch_as(arguments, |_| {});
    }

    /// Starts again as the last time.
    pub fn relaunch(&mut self) {
        let arguments = std::mem::take(&mut self.arguments);
        self.launch(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Starts in surroundings that differ.
    pub fn launch_as(&mut self, arguments: &[&str], surroundings: impl FnOnce(&mut Command)) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("ubmcd.log")).expect("a log");
        let mut command = self.command(arguments);
        surroundings(&mut command);
        let child = command.stdout(Stdio::null()).stderr(log).stdin(Stdio::null()).spawn();
        self.child = Some(child.expect("ubmcd starts"));
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        eventually("ubmcd answers", || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "ubmcd ended: {ended:?}\n{}", self.log());
            self.ctl(&["bmc", "status"]).status.success().then_some(())
        });
    }

    /// Runs a daemon that cannot start: its exit code, and what it said.
    pub fn fails(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let log = self.path("failed.log");
        let mut command = self.command(arguments);
        let mut child = command.stderr(fs::File::create(&log).expect("a file")).spawn().expect("ubmcd starts");
        let status = eventually("it ends", || child.try_wait().expect("it can be waited for"));
        (status.code(), fs::read_to_string(log).expect("its log"))
    }

    /// The command that starts a daemon in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("ubmcd"));
        // Services have it in their clean environment: by that they are known as this test's.
        command.env("TMPDIR", self.folder.path());
        command.args(["--listen", &self.address(), "--state-dir"]).arg(self.path("state")).args(arguments);
        command
    }

    /// What `--connect` takes.
    pub fn address(&self) -> String {
        format!("unix:{}", self.path("s").display())
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("ubmcd.log")).unwrap_or_default()
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        let id = self.child.as_ref().expect("it runs").id();
        Pid::from_raw(i32::try_from(id).expect("a pid"))
    }

    /// Talks to it over gRPC, as long as `talk` takes.
    pub fn grpc<T, F: Future<Output = T>>(&self, talk: impl FnOnce(Channel) -> F) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let address = Address::Unix(self.path("s"));
            let channel = connect(&address, PATIENCE).await.expect("ubmcd answers");
            tokio::time::timeout(PATIENCE, talk(channel)).await.expect("an answer in time")
        })
    }

    /// Runs `ubmcctl`.
    pub fn ctl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary("ubmcctl"));
        command.args(["--connect", &self.address()]).args(arguments).stdin(Stdio::null());
        command.output().expect("ubmcctl runs")
    }

    /// Runs `ubmcctl`, which must succeed, and reads the JSON it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.ctl(&[&["--output", "json"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ubmcctl {arguments:?}: {:?}\n{text}\n{errors}", output.status.code());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("ubmcctl {arguments:?}: {error}\n{text}"))
    }

    /// Exit code of `ubmcctl`.
    pub fn code(&self, arguments: &[&str]) -> i32 {
        self.ctl(arguments).status.code().unwrap_or(-1)
    }

    /// One key of a service.
    pub fn service(&self, name: &str, key: &str) -> Value {
        self.json(&["services", "status", name])[key].clone()
    }

    /// Waits until a service is in a state.
    pub fn await_service(&self, name: &str, state: &str) {
        let mut last = Value::Null;
        let begun = Instant::now();
        while last != state {
            assert!(begun.elapsed() < PATIENCE, "{name} is {last}, not {state}\n{}", self.log());
            last = self.service(name, "state");
        }
    }

    /// Ends it as a power cut would end the controller: no shutdown.
    pub fn sigkill(&mut self) {
        kill(self.pid(), Signal::SIGKILL).expect("it can be killed");
        self.child.take().expect("it runs").wait().expect("it ends");
    }

    /// Ends it in order. Returns its exit code.
    pub fn shut_down(&mut self) -> Option<i32> {
        kill(self.pid(), Signal::SIGTERM).expect("it can be asked");
        self.await_end()
    }

    /// Waits until it has ended, for whatever reason. Its exit code.
    pub fn await_end(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                return status.code();
            }
            if begun.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("the shutdown does not end\n{}", self.log());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Processes that have something to do with its folder, by command line or environment, other than this test.
    pub fn left_over(&self) -> Vec<String> {
        processes_of(self.folder.path())
    }
}

impl Drop for Ubmcd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Some(mut child) = self.child.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
            eprintln!("what ubmcd said:\n{}", self.log());
            // A failed test must not leave its simulated board and services running either.
            for line in self.left_over() {
                if let Some(pid) = line.split(' ').next().and_then(|pid| pid.parse().ok()) {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
            return;
        }
        if let Some(child) = &self.child {
            let pid = i32::try_from(child.id()).expect("a pid");
            eventually(&format!("no zombie is left: {:?}", zombies_of(pid)), || {
                zombies_of(pid).is_empty().then_some(())
            });
            assert_eq!(self.shut_down(), Some(0), "a shutdown in order ends with 0\n{}", self.log());
        }
        let left = || [self.left_over(), marked(&self.path("state"))].concat();
        eventually(&format!("nothing is left: {:?}", left()), || left().is_empty().then_some(()));
    }
}

/// Living processes whose command line or environment names a folder.
pub fn processes_of(folder: &Path) -> Vec<String> {
    let needle = folder.to_str().expect("a path").as_bytes();
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        if !pid.bytes().all(|byte| byte.is_ascii_digit()) || pid == own {
            continue;
        }
        let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        let (command, environment) = (read("cmdline"), read("environ"));
        let names = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        if names(&command) || names(&environment) {
            found.push(format!("{pid} {}", String::from_utf8_lossy(&command).replace('\0', " ")));
        }
    }
    found
}

/// Leaves out every service table that is not a built-in one.
fn without_processes(board: &str) -> String {
    let mut kept = String::new();
    let builtin = |name: &str| {
        matches!(
            name,
            "journal" | "sensormon" | "thermalmgr" | "powermgr" | "statemgr" | "ledmgr" | "inventory" | "api"
        )
    };
    let mut keep = true;
    for line in board.lines() {
        if let Some(table) = line.strip_prefix('[') {
            let path = table.trim_start_matches('[').trim_end_matches(']');
            keep =
                path.strip_prefix("services.").is_none_or(|rest| builtin(rest.split('.').next().unwrap_or_default()));
        }
        if keep {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
