//! Supervisors that are not asked while they run: their clients cost more than the start itself, or are none.

use std::{fmt::Write, process::Command};

use super::{Failure, Job, Kind};

/// circus: one Python process. What has ended is noticed ten times a second, which is the smallest delay that is meant.
pub(super) struct Circus;
/// horust: one process, a thread a service.
pub(super) struct Horust;

impl Kind for Circus {
    fn name(&self) -> &'static str {
        "circus"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["circusd"]
    }

    fn can_be_asked(&self) -> bool {
        false
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        let folder = job.folder().display();
        let mut text = format!(
            "[circus]\nendpoint = ipc://{folder}/e\npubsub_endpoint = ipc://{folder}/p\nstatsd = False\ncheck_delay = 0.1\n\
             loglevel = ERROR\nlogoutput = /dev/null\n"
        );
        for (index, name) in job.indices().zip(job.names()) {
            let command = job.command_line(index);
            let _ = write!(
                text,
                "[watcher:{name}]\ncmd = {command}\nnumprocesses = 1\nmax_retry = -1\nwarmup_delay = 0\n\
                 close_child_stdout = True\nclose_child_stderr = True\n"
            );
        }
        job.write("circus.ini", &text)
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("circusd")?;
        command.arg(job.path("circus.ini"));
        Ok(command)
    }
}

impl Kind for Horust {
    fn name(&self) -> &'static str {
        "horust"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["horust"]
    }

    fn orders(&self) -> bool {
        true
    }

    fn can_be_asked(&self) -> bool {
        false
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        job.create_folder("sockets")?;
        job.create_folder("services")?;
        for (index, name) in job.indices().zip(job.names()) {
            let after: Vec<_> = job.needed(index).iter().map(|name| format!("\"{name}.toml\"")).collect();
            let text = format!(
                "command = \"{}\"\nstdout = \"/dev/null\"\nstderr = \"/dev/null\"\nstart-after = [{}]\n\
                 [restart]\nstrategy = \"always\"\nbackoff = \"0s\"\nattempts = 1000000\n",
                job.command_line(index),
                after.join(", ")
            );
            job.write(&format!("services/{name}.toml"), &text)?;
        }
        Ok(())
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("horust")?;
        command.arg("--services-path").arg(job.path("services"));
        command.arg("--uds-folder-path").arg(job.path("sockets"));
        Ok(command)
    }
}
