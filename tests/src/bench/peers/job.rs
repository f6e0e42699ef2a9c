//! What a peer is asked to run, and the few deeds that all of them need.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::{
        fs::{OpenOptionsExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{super::clock::pause, Begin, Bench, Failure, Kind, Moment, PATIENCE, Plan};

/// The services of a plan, for one peer in a folder of its own.
#[derive(Debug)]
pub struct Job {
    plan: Plan,
    begin: Begin,
    service: PathBuf,
    ring: PathBuf,
    folder: PathBuf,
    programs: Vec<(&'static str, PathBuf)>,
}

impl Job {
    pub(super) fn new(
        bench: &Bench,
        kind: &dyn Kind,
        folder: &Path,
        ring: &Path,
        plan: &Plan,
        begin: Begin,
    ) -> Result<Self, Failure> {
        let find = |name: &&'static str| {
            let path = bench.find(name).ok_or_else(|| Failure::Never(format!("{name} is found")))?;
            Ok((*name, path))
        };
        let programs = kind.programs().iter().map(find).collect::<Result<_, Failure>>()?;
        let (folder, ring) = (folder.to_owned(), ring.to_owned());
        Ok(Self { plan: *plan, begin, service: bench.service(), ring, folder, programs })
    }

    /// Where its files belong.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it writes to its standard output and error goes here, outside of its folder's contents.
    pub fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }

    /// A file or folder of its own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// All services' numbers.
    pub fn indices(&self) -> std::ops::Range<u32> {
        0..self.plan.count
    }

    /// All services' names.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.indices().map(Plan::name)
    }

    /// What a service depends on.
    pub fn needed(&self, index: u32) -> Vec<String> {
        self.plan.needed(index)
    }

    /// Whether the services wait for a request.
    pub fn asked(&self) -> bool {
        self.begin == Begin::Asked
    }

    /// A service's command, for configurations that split it at spaces.
    pub fn command_line(&self, index: u32) -> String {
        let mut words = vec![self.service.display().to_string()];
        words.extend(self.plan.arguments(index, &self.ring));
        words.join(" ")
    }

    /// One of the peer's own programs.
    pub fn program(&self, name: &str) -> Result<Command, Failure> {
        let found = self.programs.iter().find(|(known, _)| *known == name);
        let (_, path) = found.ok_or_else(|| Failure::Invalid(format!("{name} is none of its programs")))?;
        Ok(Command::new(path))
    }

    /// Writes a file of the peer, and the folders around it.
    pub fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.folder);
        let failed = || Failure::io(format!("{name} cannot be written"));
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(failed())
    }

    /// Makes a folder of the peer.
    pub fn create_folder(&self, name: &str) -> Result<(), Failure> {
        fs::create_dir_all(self.path(name)).map_err(Failure::io(format!("no folder {name}")))
    }

    /// Writes a program of the peer.
    pub fn write_program(&self, name: &str, text: &str) -> Result<(), Failure> {
        self.write(name, text)?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(name), executable)
            .map_err(Failure::io(format!("{name} cannot be made a program")))
    }

    /// Takes away all files, for another life of the peer.
    pub fn empty(&self) -> Result<(), Failure> {
        let failed = || Failure::io("the peer's folder cannot be emptied");
        for entry in fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed())? {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(failed())?;
        }
        Ok(())
    }

    /// Runs a program to its end beside us. What it says is kept for when it fails.
    pub fn run(&self, mut command: Command) -> Result<Pending, Failure> {
        let path = self.path("asked.log");
        let log = File::create(&path).map_err(Failure::io("no log for a request"))?;
        let errors = log.try_clone().map_err(Failure::io("no log for a request"))?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        Ok(Pending::Child(command.spawn().map_err(Failure::io("a request cannot be made"))?, path))
    }
}

const LOG: &str = "peer.log";

/// A request that was made and not answered yet: waiting for the answer is no part of a figure.
#[derive(Debug, Default)]
pub enum Pending {
    /// Nothing is to be waited for.
    #[default]
    Nothing,
    /// A client that ends when it has its answer, and where it says what is wrong.
    Child(Child, PathBuf),
    /// A connection that ends after the answer.
    Reply(UnixStream),
}

impl Pending {
    /// Waits for the answer.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Nothing => Ok(()),
            Self::Child(mut child, log) => {
                let end = Moment::now().after(PATIENCE);
                loop {
                    match child.try_wait().map_err(Failure::io("a request cannot be waited for"))? {
                        Some(status) if status.success() => return Ok(()),
                        Some(status) => {
                            let said = fs::read_to_string(log).unwrap_or_default();
                            return Err(Failure::Invalid(format!("a request failed, {status}: {}", said.trim())));
                        }
                        None if Moment::now() > end => {
                            let _ = child.kill();
                            let _ = child.wait();
                            return Err(Failure::Never("a request is answered".to_owned()));
                        }
                        None => pause(std::time::Duration::from_millis(2)),
                    }
                }
            }
            Self::Reply(mut stream) => {
                let mut answer = String::new();
                let read = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.read_to_string(&mut answer));
                read.map_err(Failure::io("a request is not answered"))?;
                let fine =
                    answer.lines().next().is_some_and(|line| line.contains(" 200 ")) && !answer.contains("<fault>");
                if fine { Ok(()) } else { Err(Failure::Invalid(format!("a request failed: {answer}"))) }
            }
        }
    }
}

/// SIGTERM.
pub(super) fn terminate(child: &Child) -> Result<(), Failure> {
    send(child, Signal::SIGTERM)
}

/// A signal to a process that we launched.
pub(super) fn send(child: &Child, signal: Signal) -> Result<(), Failure> {
    let pid = i32::try_from(child.id()).map_err(|error| Failure::Invalid(error.to_string()))?;
    kill(Pid::from_raw(pid), signal).map_err(Failure::os("a supervisor cannot be asked to end"))
}

/// A pipe that somebody reads; it fails where nobody does.
pub(super) fn open_pipe(path: &Path) -> io::Result<File> {
    File::options().write(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).open(path)
}
