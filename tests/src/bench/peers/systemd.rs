//! systemd, as the manager of a user: the same program and engine as the system's, which needs not be process 1.
//!
//! It takes every process of the control group that it is started in for its own, so it gets one to itself, and refuses to
//! start where that did not work. It wants a system booted with systemd, so it sees a `/run` of its own that says so.

use std::{fmt::Write, fs, path::Path, process::Command};

use super::{Failure, Job, Kind, Pending};

/// systemd.
pub(super) struct Systemd {
    /// With a message bus, for those who talk to it over one. Nobody else needs it.
    pub(super) bus: bool,
}

/// Where hierarchies of control groups are mounted: one for all, or, beside older ones, two for systemd alone.
const HIERARCHIES: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"];
/// Every control group of ours begins with this.
const PREFIX: &str = "ubmc-bench";
const ALL: &str = "all.target";
const NOTHING: &str = "nothing.target";

/// Without an order of its own, as everything here.
const UNIT: &str = "[Unit]\nDefaultDependencies=no\n";

impl Kind for Systemd {
    fn name(&self) -> &'static str {
        "systemd"
    }

    fn programs(&self) -> &'static [&'static str] {
        let all = &["systemd", "systemctl", "unshare", "dbus-daemon"];
        if self.bus { all } else { &all[..3] }
    }

    fn obstacle(&self) -> Option<&'static str> {
        let writable = HIERARCHIES.iter().any(|top| fs::metadata(Path::new(top).join("cgroup.procs")).is_ok());
        match (nix::unistd::geteuid().is_root(), writable) {
            (false, _) => Some("only root can give it a control group of its own"),
            (true, false) => Some("no control groups are mounted"),
            (true, true) => None,
        }
    }

    fn orders(&self) -> bool {
        true
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        job.create_folder("run")?;
        let unit = |name: &str, text: &str| job.write(&format!("units/{name}"), &format!("{UNIT}{text}"));
        let mut wants = String::new();
        for (index, name) in job.indices().zip(job.names()) {
            let _ = writeln!(wants, "Wants={name}.service");
            let mut text =
                format!("StartLimitIntervalSec=0\nPartOf={ALL}\nConflicts=shutdown.target\nBefore=shutdown.target\n");
            for needed in job.needed(index) {
                let _ = writeln!(text, "Requires={needed}.service\nAfter={needed}.service");
            }
            let _ = write!(
                text,
                "[Service]\nType=exec\nExecStart={}\nRestart=always\nRestartSec=0\nStandardOutput=null\nStandardError=null\n",
                job.command_line(index)
            );
            unit(&format!("{name}.service"), &text)?;
        }
        if self.bus {
            unit("dbus.socket", "[Socket]\nListenStream=%t/bus\n")?;
            let daemon = job.program("dbus-daemon")?.get_program().to_string_lossy().into_owned();
            let words = "--session --address=systemd: --nofork --nopidfile --systemd-activation";
            unit(
                "dbus.service",
                &format!("Requires=dbus.socket\n[Service]\nType=notify\nExecStart={daemon} {words}\n"),
            )?;
            wants.push_str("Wants=dbus.socket dbus.service\n");
        }
        unit(ALL, &wants)?;
        unit(NOTHING, "")?;
        unit("shutdown.target", "")?;
        unit("exit.target", "Requires=end.service\nAfter=end.service\n")?;
        // In the root slice: any other one ends at shutdown itself, and would take this along.
        let end = "Requires=shutdown.target\nAfter=shutdown.target\nSuccessAction=exit-force\n\
                   [Service]\nType=oneshot\nExecStart=/bin/true\nSlice=-.slice\n";
        unit("end.service", end)?;
        job.write_program("launch", &launcher(job))
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("unshare")?;
        let systemd = job.program("systemd")?;
        command.arg("--mount").arg(job.path("launch")).arg(systemd.get_program());
        command.arg(if job.asked() { NOTHING } else { ALL });
        command.env("XDG_RUNTIME_DIR", job.path("run")).env("HOME", job.folder());
        command.env("SYSTEMD_UNIT_PATH", job.path("units"));
        for generators in ["SYSTEMD_GENERATOR_PATH", "SYSTEMD_ENVIRONMENT_GENERATOR_PATH"] {
            command.env(generators, job.path("none"));
        }
        Ok(command)
    }

    fn answers(&self, job: &Job) -> bool {
        control(job, &["show", "--property=Version"])
            .is_ok_and(|command| job.run(command).and_then(Pending::finish).is_ok())
    }

    fn start(&self, job: &Job) -> Result<Pending, Failure> {
        job.run(control(job, &["start", "--no-block", ALL])?)
    }

    fn stop(&self, job: &Job) -> Result<Pending, Failure> {
        job.run(control(job, &["stop", "--no-block", ALL])?)
    }

    fn clean(&self, job: &Job) {
        for top in HIERARCHIES {
            // The kernel refuses where a process is left.
            remove_groups(&Path::new(top).join(group(job)));
        }
    }
}

fn control(job: &Job, words: &[&str]) -> Result<Command, Failure> {
    let mut command = job.program("systemctl")?;
    command.arg("--user").args(words).env("XDG_RUNTIME_DIR", job.path("run"));
    Ok(command)
}

/// Its control group: of the name of its folder, which nobody else has.
fn group(job: &Job) -> String {
    let folder = job.folder().file_name().map(|name| name.to_string_lossy().into_owned());
    format!("{PREFIX}{}", folder.unwrap_or_default())
}

/// Enters a control group of its own, makes sure that it is in it, and becomes systemd.
fn launcher(job: &Job) -> String {
    let (group, tops) = (group(job), HIERARCHIES.join(" "));
    format!(
        r#"#!/bin/sh
set -eu
for top in {tops}; do
  [ -e "$top/cgroup.procs" ] || continue
  mkdir -p "$top/{group}"
  echo $$ >"$top/{group}/cgroup.procs"
done
while IFS= read -r line; do
  case $line in
    0::*/{group} | *:name=systemd:*/{group}) ;;
    0::* | *:name=systemd:*) echo "not in a control group of its own: $line" >&2; exit 1 ;;
  esac
done </proc/self/cgroup
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
exec "$1" --user --unit="$2" --log-target=null
"#
    )
}

/// Takes away the control groups of measurements that were killed. The kernel refuses those that are still in use.
pub(super) fn remove_leftovers() {
    for top in HIERARCHIES {
        for entry in fs::read_dir(top).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
                remove_groups(&entry.path());
            }
        }
    }
}

fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}
