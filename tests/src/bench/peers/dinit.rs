//! dinit: one process, `restart-delay = 0` and no limit of restarts.

use std::{fmt::Write, process::Command};

use super::{Failure, Job, Kind, Pending};

/// dinit.
pub(super) struct Dinit;

const SOCKET: &str = "control";
/// Depends softly on all services: a failure of one does not take the others along.
const ALL: &str = "all";

impl Kind for Dinit {
    fn name(&self) -> &'static str {
        "dinit"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["dinit", "dinitctl"]
    }

    fn orders(&self) -> bool {
        true
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        for (index, name) in job.indices().zip(job.names()) {
            let mut text = format!(
                "type = process\ncommand = {}\nrestart = true\nrestart-delay = 0\nrestart-limit-count = 0\n",
                job.command_line(index)
            );
            for needed in job.needed(index) {
                let _ = writeln!(text, "depends-on = {needed}");
            }
            job.write(&format!("services/{name}"), &text)?;
        }
        let mut all = "type = internal\n".to_owned();
        for name in job.names() {
            let _ = writeln!(all, "waits-for = {name}");
        }
        job.write(&format!("services/{ALL}"), &all)?;
        let boot = if job.asked() { String::new() } else { format!("waits-for = {ALL}\n") };
        job.write("services/boot", &format!("type = internal\n{boot}"))
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("dinit")?;
        command.args(["-u", "-q", "-d"]).arg(job.path("services")).arg("-p").arg(job.path(SOCKET)).arg("boot");
        Ok(command)
    }

    fn answers(&self, job: &Job) -> bool {
        control(job, &["list"]).is_ok_and(|command| job.run(command).and_then(Pending::finish).is_ok())
    }

    fn start(&self, job: &Job) -> Result<Pending, Failure> {
        job.run(control(job, &["start", "--no-wait", ALL])?)
    }

    fn stop(&self, job: &Job) -> Result<Pending, Failure> {
        job.run(control(job, &["stop", "--no-wait", ALL])?)
    }
}

fn control(job: &Job, words: &[&str]) -> Result<Command, Failure> {
    let mut command = job.program("dinitctl")?;
    command.arg("-p").arg(job.path(SOCKET)).args(words);
    Ok(command)
}
