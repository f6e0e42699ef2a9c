//! The family of daemontools: a scanner, a process per service that supervises it, and a control pipe per service in which
//! one byte is a request. All three take the same folders.

use std::{
    fs::{File, FileTimes},
    io::Write,
    path::PathBuf,
    process::{Child, Command},
    time::{Duration, SystemTime},
};

use nix::sys::signal::Signal;

use super::{Failure, Job, Kind, Pending, job};

/// s6, without s6-rc.
pub(super) struct S6;
/// runit.
pub(super) struct Runit;
/// The original.
pub(super) struct Daemontools;

const SCAN: &str = "scan";
/// All three hold back a start that comes within a second of the last one.
const REST: Duration = Duration::from_millis(1200);
const REMARK: Option<&str> = Some("one more process a service, already up");
/// The kernel reads so much of a script's first line.
const SCRIPT_LINE: usize = 256;

/// One folder a service. The kernel starts the service itself for the script `run`: no shell is started with every life.
fn prepare(job: &Job) -> Result<(), Failure> {
    job.create_folder(SCAN)?;
    for (index, name) in job.indices().zip(job.names()) {
        let line = format!("#!{}\n", job.command_line(index));
        if line.len() > SCRIPT_LINE {
            return Err(Failure::Invalid(
                "the path of the service program is too long for a script's first line".to_owned(),
            ));
        }
        job.write_program(&format!("{SCAN}/{name}/run"), &line)?;
        if job.asked() {
            job.write(&format!("{SCAN}/{name}/down"), "")?;
        }
    }
    Ok(())
}

fn pipe(job: &Job, name: &str) -> PathBuf {
    job.path(SCAN).join(name).join("supervise/control")
}

fn answers(job: &Job) -> bool {
    job.names().all(|name| job::open_pipe(&pipe(job, &name)).is_ok())
}

/// The same request to all services.
fn ask(job: &Job, request: &[u8]) -> Result<Pending, Failure> {
    for name in job.names() {
        let failed = || Failure::io(format!("nobody supervises {name}"));
        let mut pipe = job::open_pipe(&pipe(job, &name)).map_err(failed())?;
        pipe.write_all(request).map_err(failed())?;
    }
    Ok(Pending::Nothing)
}

impl Kind for S6 {
    fn name(&self) -> &'static str {
        "s6"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["s6-svscan", "s6-supervise", "s6-svscanctl"]
    }

    fn version(&self) -> Option<&'static str> {
        None
    }

    fn remark(&self) -> Option<&'static str> {
        REMARK
    }

    fn rest(&self) -> Duration {
        REST
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        prepare(job)
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("s6-svscan")?;
        // So many services at most; it makes room for them when it starts.
        command.args(["-c", "2000"]).arg(job.path(SCAN));
        Ok(command)
    }

    fn answers(&self, job: &Job) -> bool {
        answers(job)
    }

    fn start(&self, job: &Job) -> Result<Pending, Failure> {
        ask(job, b"u")
    }

    fn stop(&self, job: &Job) -> Result<Pending, Failure> {
        ask(job, b"d")
    }

    fn end(&self, job: &Job, _manager: &Child) -> Result<(), Failure> {
        let mut command = job.program("s6-svscanctl")?;
        command.arg("-t").arg(job.path(SCAN));
        job.run(command)?.finish()
    }
}

impl Kind for Runit {
    fn name(&self) -> &'static str {
        "runit"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["runsvdir", "runsv"]
    }

    fn version(&self) -> Option<&'static str> {
        None
    }

    fn remark(&self) -> Option<&'static str> {
        REMARK
    }

    fn rest(&self) -> Duration {
        REST
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        prepare(job)?;
        // It sleeps a second over a folder that changed in this second, which at a boot it did not.
        let old = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3600));
        let set = File::open(job.path(SCAN)).and_then(|folder| folder.set_times(old));
        set.map_err(Failure::io("the scanned folder cannot be made to look old"))
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("runsvdir")?;
        command.arg("-P").arg(job.path(SCAN));
        Ok(command)
    }

    fn answers(&self, job: &Job) -> bool {
        answers(job)
    }

    fn start(&self, job: &Job) -> Result<Pending, Failure> {
        ask(job, b"u")
    }

    fn stop(&self, job: &Job) -> Result<Pending, Failure> {
        ask(job, b"d")
    }

    fn end(&self, _job: &Job, manager: &Child) -> Result<(), Failure> {
        job::send(manager, Signal::SIGHUP)
    }
}

impl Kind for Daemontools {
    fn name(&self) -> &'static str {
        "daemontools"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["svscan", "supervise"]
    }

    fn version(&self) -> Option<&'static str> {
        None
    }

    fn remark(&self) -> Option<&'static str> {
        REMARK
    }

    fn rest(&self) -> Duration {
        REST
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        prepare(job)
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("svscan")?;
        command.arg(job.path(SCAN));
        Ok(command)
    }

    fn answers(&self, job: &Job) -> bool {
        answers(job)
    }

    fn start(&self, job: &Job) -> Result<Pending, Failure> {
        ask(job, b"u")
    }

    fn stop(&self, job: &Job) -> Result<Pending, Failure> {
        ask(job, b"d")
    }

    /// It has no way to end everything: the scanner is killed, and then every supervisor asked.
    fn end(&self, job: &Job, manager: &Child) -> Result<(), Failure> {
        job::send(manager, Signal::SIGKILL)?;
        ask(job, b"dx").map(drop)
    }
}
