//! The emulated machine as a process, and the files of its run.

use std::{
    fmt::Write as _,
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The emulator, as Debian's package has it.
const QEMU: &str = "qemu-system-arm";

/// What `scripts/board image` has packed.
#[derive(Clone, Debug)]
pub struct Image(PathBuf);

impl Image {
    /// The image in a folder.
    pub fn at(folder: &Path) -> Result<Self, EmulatorError> {
        let image = Self(folder.to_owned());
        for file in [image.kernel(), image.initrd(), image.tree()] {
            if !file.is_file() {
                return Err(EmulatorError::NoImage { file });
            }
        }
        Ok(image)
    }

    /// Debian's kernel for the processor.
    pub fn kernel(&self) -> PathBuf {
        self.0.join("kernel")
    }

    /// The board's whole file system.
    pub fn initrd(&self) -> PathBuf {
        self.0.join("initrd")
    }

    /// What it weighs, in bytes: what is booted, and our programs in it.
    pub fn sizes(&self) -> Vec<(String, u64)> {
        let programs = ["ubmcd", "ubmcctl", "ubmc-tui"].map(|name| self.0.join("root/bin").join(name));
        let files = [self.kernel(), self.initrd()].into_iter().chain(programs);
        let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.filter_map(|file| Some((name(&file), fs::metadata(&file).ok()?.len()))).collect()
    }

    /// The board's device tree.
    pub fn tree(&self) -> PathBuf {
        self.0.join("board.dtb")
    }
}

/// Why there is no machine.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// A part of the image is missing.
    #[error("{file} is not there: run `scripts/board image` first", file = file.display())]
    NoImage {
        /// Which part.
        file: PathBuf,
    },
    /// A board runs there already.
    #[error("a board runs in {folder} already (process {pid}): `scripts/board stop` ends it", folder = folder.display())]
    Running {
        /// Whose files lie there.
        folder: PathBuf,
        /// The emulator's.
        pid: i32,
    },
    /// The system does not let us.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ended at once.
    #[error("the emulator ended at once ({status}); it said: {said}")]
    Ended {
        /// How.
        status: String,
        /// Its last words.
        said: String,
    },
}

/// The files of one run: sockets and logs.
#[derive(Clone, Debug)]
pub struct Run(PathBuf);

impl Run {
    /// A run in a folder, which is made for its owner alone.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where its files lie.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The serial line that a person plugs a cable into: `ttyS4` of the board, with the console on it.
    pub fn console(&self) -> PathBuf {
        self.0.join("console.sock")
    }

    /// A line of its own on which the board runs commands for tests: `ttyS0`.
    pub fn agent(&self) -> PathBuf {
        self.0.join("agent.sock")
    }

    /// A line with a shell for people: `ttyS2`.
    pub fn shell(&self) -> PathBuf {
        self.0.join("shell.sock")
    }

    /// What ubmcd said on stderr: `ttyS1`.
    pub fn daemon_log(&self) -> PathBuf {
        self.0.join("ubmcd.log")
    }

    /// What the kernel and the first process said: `ttyS3`.
    pub fn kernel_log(&self) -> PathBuf {
        self.0.join("kernel.log")
    }

    /// QEMU's control sockets: one for the bench that plays the surroundings, one for whoever looks.
    pub fn control(&self, which: Control) -> PathBuf {
        self.0.join(match which {
            Control::Bench => "bench.sock",
            Control::Look => "look.sock",
        })
    }

    /// Where the bench listens for requests of other processes.
    pub fn requests(&self) -> PathBuf {
        self.0.join("requests.sock")
    }

    /// What the processor wrote to its GPIO registers, with times.
    pub fn trace(&self) -> PathBuf {
        self.0.join("gpio.trace")
    }

    /// The process that plays the board's surroundings.
    pub fn bench_pid(&self) -> PathBuf {
        self.0.join("bench.pid")
    }

    fn pid(&self) -> PathBuf {
        self.0.join("emulator.pid")
    }

    /// The emulator that runs there now.
    pub fn running(&self) -> Option<i32> {
        let pid: i32 = fs::read_to_string(self.pid()).ok()?.trim().parse().ok()?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        // The kernel keeps fifteen letters of a name.
        QEMU.starts_with(name.trim()).then_some(pid)
    }

    fn said(&self) -> String {
        fs::read_to_string(self.0.join("emulator.log")).unwrap_or_default().trim().to_owned()
    }
}

/// Which of QEMU's control sockets; each serves one client at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The bench's own.
    Bench,
    /// For looking on.
    Look,
}

/// What the board is told at its start, as words of the kernel's command line.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// The board that ubmcd is started for; absent: the image's own.
    pub board: Option<String>,
    /// Kernel modules that are not loaded at the start.
    pub late: Vec<String>,
    /// The kind of terminal at the other end of the console.
    pub terminal: Option<String>,
}

impl Boot {
    fn words(&self) -> String {
        let mut words = "console=ttyS3,115200n8 rdinit=/init quiet".to_owned();
        if let Some(board) = &self.board {
            let _ = write!(words, " ubmc.board={board}");
        }
        if !self.late.is_empty() {
            let _ = write!(words, " ubmc.late={}", self.late.join(","));
        }
        if let Some(terminal) = &self.terminal {
            let _ = write!(words, " TERM={terminal}");
        }
        words
    }
}

/// The machine, switched on. Dropping it is a power cut.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    run: Run,
}

impl Emulator {
    /// Switches a machine on.
    pub fn start(image: &Image, run: &Run, boot: &Boot) -> Result<Self, EmulatorError> {
        if let Some(pid) = run.running() {
            return Err(EmulatorError::Running { folder: run.folder().to_owned(), pid });
        }
        let io = |doing: String| move |source| EmulatorError::Io { doing, source };
        let folder = run.folder();
        fs::create_dir_all(folder).map_err(io(format!("cannot make {}", folder.display())))?;
        for old in [run.trace(), run.daemon_log(), run.kernel_log()] {
            let _ = fs::remove_file(old);
        }
        let said = fs::File::create(folder.join("emulator.log")).map_err(io(format!("{}", folder.display())))?;
        let socket = |path: PathBuf| format!("unix:{},server=on,wait=off", path.display());
        let file = |path: PathBuf| format!("file:{}", path.display());
        let mut command = Command::new(QEMU);
        command.args(["-M", "rainier-bmc", "-display", "none", "-monitor", "none"]);
        command.arg("-kernel").arg(image.kernel()).arg("-initrd").arg(image.initrd()).arg("-dtb").arg(image.tree());
        command.arg("-append").arg(boot.words());
        // The first line is the machine's console UART, ttyS4; the others follow from ttyS0 on.
        for line in [
            socket(run.console()),
            socket(run.agent()),
            file(run.daemon_log()),
            socket(run.shell()),
            file(run.kernel_log()),
        ] {
            command.args(["-serial", &line]);
        }
        for which in [Control::Bench, Control::Look] {
            command.args(["-qmp", &socket(run.control(which))]);
        }
        command.args(["-msg", "timestamp=on", "-trace", "aspeed_gpio_write", "-D"]).arg(run.trace());
        // A terminal's Ctrl-C is for the program in front, not for the machine.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let child = command.spawn().map_err(io(format!("cannot run {QEMU} (`scripts/tools board` installs it)")))?;
        let mut emulator = Self { child, run: run.clone() };
        fs::write(run.pid(), format!("{}\n", emulator.child.id())).map_err(io(format!("{}", folder.display())))?;
        emulator.settle()?;
        Ok(emulator)
    }

    /// Waits until its sockets are there.
    fn settle(&mut self) -> Result<(), EmulatorError> {
        let begun = Instant::now();
        while !self.run.control(Control::Look).exists() || begun.elapsed() < Duration::from_millis(100) {
            if let Some(status) = self.ended() {
                return Err(EmulatorError::Ended { status, said: self.run.said() });
            }
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(EmulatorError::Ended { status: "it makes no sockets".to_owned(), said: self.run.said() });
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(())
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// The files of its run.
    pub fn run(&self) -> &Run {
        &self.run
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(self.run.pid());
        for socket in [
            self.run.console(),
            self.run.agent(),
            self.run.shell(),
            self.run.control(Control::Bench),
            self.run.control(Control::Look),
        ] {
            let _ = fs::remove_file(socket);
        }
    }
}
