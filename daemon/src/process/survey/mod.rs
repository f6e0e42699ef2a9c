//! What this machine says against starting a service, before anything is started: all of it at once, each with what to
//! do. It changes nothing. When all is well it takes a handful of system calls; where file systems or name services do
//! not answer it takes as long as they do, so only threads that nobody waits for may ask.
//!
//! - [`program`]: is there such a program, and what does it need to run;
//! - [`access`]: may the service's user get at it;
//! - [`port`]: who has the port that it is going to listen on.
//!
//! What it finds is what can be seen from outside. What only the start itself can tell is left to the start: nothing is
//! refused that might have worked.

mod access;
mod port;
mod program;

#[cfg(test)]
mod tests;

use std::{fs, io, path::Path};

use ubmc_core::{
    ids::Name,
    input::{SpawnError, SpawnStage},
    refusal::Obstacle,
    services::{Binary, Deployment, ServiceSpec},
};

use self::{access::Who, port::Holder, program::Flaw};
use super::{capability, spawner::Spawner, user};

/// Asks the machine; cheap to clone, usable from any thread, blocks.
#[derive(Clone, Debug)]
pub struct Survey {
    spawner: Spawner,
}

impl Survey {
    pub(super) const fn new(spawner: Spawner) -> Self {
        Self { spawner }
    }

    /// Everything that stands against starting a service here. How it is deployed, what it conflicts with and what it
    /// depends on is the core's to say.
    pub fn of(&self, spec: &ServiceSpec) -> Vec<Obstacle> {
        match &spec.deployment {
            Deployment::Binary(binary) => self.spawner.survey(&spec.name, binary, spec.port, When::AnyTime),
            Deployment::Builtin(_) | Deployment::Unsupported { .. } => Vec::new(),
        }
    }
}

/// As a failed start tells it.
pub(super) fn as_error(obstacles: &[Obstacle]) -> Option<SpawnError> {
    if obstacles.is_empty() {
        return None;
    }
    // Who has the port may let go of it: that is worth another try.
    let only_ports = obstacles.iter().all(|obstacle| obstacle.kind == PORT_TAKEN);
    let errno = if only_ports { libc::EADDRINUSE } else { libc::ENOENT };
    let texts: Vec<_> = obstacles.iter().map(|obstacle| obstacle.text.as_str()).collect();
    Some(SpawnError { stage: SpawnStage::Preflight, errno, text: texts.join("; ") })
}

/// When the machine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// The service is about to start: nothing of it runs.
    BeforeItsStart,
    /// It may be running, or starting.
    AnyTime,
}

const PORT_TAKEN: &str = "port-taken";

/// What is found of one service.
struct Findings<'a> {
    service: &'a Name,
    obstacles: Vec<Obstacle>,
}

impl Findings<'_> {
    fn add(&mut self, kind: &'static str, text: String, remedy: String) {
        let subject = format!("service {}", self.service);
        self.obstacles.push(Obstacle { kind, subject, text, remedy, since: None });
    }
}

impl Spawner {
    /// See [`Survey::of`].
    pub(super) fn survey(&self, service: &Name, binary: &Binary, port: Option<u16>, when: When) -> Vec<Obstacle> {
        let mut findings = Findings { service, obstacles: Vec::new() };
        let who = who(binary, &mut findings);
        self.program(binary, &who, &mut findings);
        working_dir(binary, &who, &mut findings);
        self.stop_command(binary, &who, &mut findings);
        self.capabilities(binary, &mut findings);
        if let Some(port) = port {
            self.port(port, when, &mut findings);
        }
        findings.obstacles
    }

    fn program(&self, binary: &Binary, who: &Who, findings: &mut Findings<'_>) {
        let Some(flaw) = self.flaw(&binary.path, binary, who) else { return };
        let kind = match &flaw {
            Flaw::NotInPath { .. } | Flaw::Missing { .. } => "binary-missing",
            Flaw::IsDirectory { .. } | Flaw::NotAFile { .. } | Flaw::NotExecutable { .. } | Flaw::NoWay { .. } => {
                "binary-not-executable"
            }
            Flaw::NoInterpreter { .. } => "interpreter-missing",
        };
        findings.add(kind, flaw.to_string(), flaw.remedy("binary_path"));
    }

    fn stop_command(&self, binary: &Binary, who: &Who, findings: &mut Findings<'_>) {
        let Some(program) = binary.stop_command.first() else { return };
        if let Some(flaw) = self.flaw(program, binary, who) {
            findings.add("stop-command", format!("its stop command: {flaw}"), flaw.remedy("stop_command"));
        }
    }

    fn flaw(&self, program: &str, binary: &Binary, who: &Who) -> Option<Flaw> {
        let path = binary.env.get("PATH").unwrap_or(&self.surroundings.path);
        program::flaw(program, path, Path::new(working_dir_of(binary)), who)
    }

    fn capabilities(&self, binary: &Binary, findings: &mut Findings<'_>) {
        let last = self.ground.last_capability();
        for name in binary.capabilities.iter().flatten() {
            match capability::number(name) {
                None => findings.add(
                    "capability",
                    format!("`{name}` is not a capability"),
                    "see capabilities(7) for their names".to_owned(),
                ),
                Some(number) if number > u32::from(last) => findings.add(
                    "capability",
                    format!("this kernel does not know the capability {name}"),
                    format!("take {name} out of `capabilities`, or use a newer kernel"),
                ),
                Some(_) => {}
            }
        }
    }

    fn port(&self, port: u16, when: When, findings: &mut Findings<'_>) {
        // A life that there is listens on it, or is about to: it must not find it taken by our own look.
        let lives = when == When::AnyTime && self.lives_of(findings.service);
        if !lives && port::is_free(port) {
            return;
        }
        let holders = port::holders(port);
        let others: Vec<_> =
            holders.iter().filter(|holder| self.owner(holder.pid).as_ref() != Some(findings.service)).collect();
        if let Some(holder) = others.first() {
            let Holder { pid, command } = holder;
            let (text, remedy) = match self.owner(*pid) {
                Some(other) => (
                    format!("port {port} is taken by process {pid} ({command}) of service {other}"),
                    format!("stop {other}, or give one of the two another port"),
                ),
                None if *pid == std::process::id() => {
                    (format!("port {port} is taken by ubmcd itself"), "give one of the two another port".to_owned())
                }
                None => (
                    format!("port {port} is taken by process {pid} ({command})"),
                    format!("stop process {pid}, or give the service another port"),
                ),
            };
            findings.add(PORT_TAKEN, text, remedy);
        } else if !lives && holders.is_empty() {
            findings.add(
                PORT_TAKEN,
                format!("port {port} is taken, by whom cannot be seen from here"),
                format!("find out who has it (`ss -lntp sport = :{port}` as root), or give the service another port"),
            );
        }
    }
}

fn working_dir_of(binary: &Binary) -> &str {
    if binary.working_dir.is_empty() { "/" } else { &binary.working_dir }
}

fn working_dir(binary: &Binary, who: &Who, findings: &mut Findings<'_>) {
    let dir = working_dir_of(binary);
    let (text, remedy) = match fs::metadata(dir) {
        Ok(metadata) if !metadata.is_dir() => {
            (format!("its working directory {dir} is not a directory"), "correct `working_dir`".to_owned())
        }
        Ok(_) => match who.cannot_reach(Path::new(dir)).or_else(|| who.cannot_enter(Path::new(dir))) {
            Some(barred) => (
                format!("its working directory {dir}: {barred}"),
                format!("let {} enter it, or choose another `working_dir`", who.name()),
            ),
            None => return,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => (
            format!("its working directory {dir} does not exist"),
            format!("make it (`mkdir -p {dir}`), or correct `working_dir`"),
        ),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => (
            format!("its working directory {dir} leads through something that is no directory"),
            "correct `working_dir`".to_owned(),
        ),
        // It may be for others to see.
        Err(_) if who.is_other() => return,
        Err(error) => (
            format!("its working directory {dir}: {}", super::failure::reason(error.raw_os_error().unwrap_or(0))),
            format!("let {} enter it, or choose another `working_dir`", who.name()),
        ),
    };
    findings.add("working-directory", text, remedy);
}

/// Who it is to run as. What cannot be known of that is told, and taken to be no obstacle for the rest.
fn who(binary: &Binary, findings: &mut Findings<'_>) -> Who {
    let group = binary.group.as_deref().map(|name| (name, user::find_group(name)));
    if let Some((name, Err(error))) = &group {
        findings.add("group", error.text.clone(), format!("add the group (`groupadd {name}`), or correct `group`"));
    }
    let user = binary.user.as_deref().map(|name| (name, user::find_user(name)));
    if let Some((name, Err(error))) = &user {
        findings.add("user", error.text.clone(), format!("add the user (`useradd -r {name}`), or correct `user`"));
    }
    if user.as_ref().is_some_and(|(_, found)| found.is_err()) || group.as_ref().is_some_and(|(_, found)| found.is_err())
    {
        return Who::anybody();
    }
    match user::Identity::find(binary.user.as_deref(), binary.group.as_deref()) {
        Ok(None) => Who::ourselves(),
        Ok(Some((identity, _))) => {
            let wanted = match (&binary.user, &binary.group) {
                (Some(user), _) => format!("user {user}"),
                (None, Some(group)) => format!("group {group}"),
                (None, None) => return Who::ourselves(),
            };
            if !nix::unistd::Uid::effective().is_root() {
                findings.add(
                    "privileges",
                    format!("it is to run as {wanted}, and ubmcd does not run as root"),
                    "run ubmcd as root, or leave `user` and `group` out".to_owned(),
                );
            }
            let all_files = capability::set(binary.capabilities.as_deref().unwrap_or_default())
                .is_ok_and(|kept| kept & capability::ALL_FILES != 0);
            if all_files { Who::anybody() } else { Who::other(wanted, identity) }
        }
        Err(error) => {
            findings.add("user", error.text, "see that the name service answers".to_owned());
            Who::anybody()
        }
    }
}
