//! A process described so completely that starting it needs nothing but system calls: what may take time, allocate or
//! fail in words happens here, before the child exists.

use std::{
    ffi::CString,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use ubmc_core::{
    input::{SpawnError, SpawnStage},
    services::{Binary, Limits},
};

use super::{capability, user::Identity};

/// Where programs are looked for when the daemon itself was not told.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What every process gets from the daemon's own surroundings; read once.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) path: String,
    pub(super) home: String,
    pub(super) tmpdir: String,
    /// Soft and hard limit of open descriptors as the daemon found them: it raises its own, its children keep these.
    pub(super) nofile: (u64, u64),
    /// The daemon's own niceness.
    pub(super) nice: i32,
}

/// One limit to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rlimit {
    /// For people.
    pub(super) name: &'static str,
    pub(super) resource: i32,
    pub(super) soft: u64,
    pub(super) hard: u64,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) program: CString,
    pub(super) argv: Vec<CString>,
    pub(super) env: Vec<CString>,
    pub(super) working_dir: CString,
    /// Absent: stays the daemon's.
    pub(super) identity: Option<Identity>,
    pub(super) umask: Option<u32>,
    /// Absent: stays the daemon's.
    pub(super) nice: Option<i32>,
    /// As the kernel reads it.
    pub(super) oom_score: Option<CString>,
    pub(super) no_new_privileges: bool,
    /// Bit set of what is kept. Absent: not restricted.
    pub(super) capabilities: Option<u64>,
    pub(super) rlimits: Vec<Rlimit>,
    /// Number under which the child gets its readiness descriptor.
    pub(super) ready_fd: Option<i32>,
    /// `cgroup.procs` to join by hand, where the kernel cannot make the process inside the group.
    pub(super) cgroup_procs: Option<CString>,
}

impl Surroundings {
    /// Of this process, whose limit of open descriptors was `nofile` when it started.
    pub(super) fn of_daemon(nofile: (u64, u64)) -> Self {
        let var = |name: &str, default: &str| match std::env::var(name) {
            Ok(value) if !value.is_empty() => value,
            Ok(_) | Err(_) => default.to_owned(),
        };
        Self {
            path: var("PATH", DEFAULT_PATH),
            home: var("HOME", "/"),
            tmpdir: var("TMPDIR", "/tmp"),
            nofile,
            nice: rustix::process::getpriority_process(None).unwrap_or(0),
        }
    }

    /// What `binary` needs to run `argv` (program first). `notify` are the variables that tell it where to report.
    pub(super) fn prepare(
        &self,
        binary: &Binary,
        argv: &[String],
        notify: &[(&str, String)],
    ) -> Result<Recipe, SpawnError> {
        let identity = Identity::find(binary.user.as_deref(), binary.group.as_deref())?;
        let home = identity.as_ref().and_then(|(_, home)| home.as_deref()).unwrap_or(&self.home);
        let mut env = Vec::with_capacity(binary.env.len() + notify.len() + 3);
        let own = [("PATH", self.path.as_str()), ("HOME", home), ("TMPDIR", self.tmpdir.as_str())];
        for (name, value) in own {
            if !binary.env.contains_key(name) {
                env.push(variable(name, value)?);
            }
        }
        for (name, value) in &binary.env {
            env.push(variable(name, value)?);
        }
        for (name, value) in notify {
            env.push(variable(name, value)?);
        }
        let Some(program) = argv.first() else {
            return Err(refused(SpawnStage::Exec, "the command is empty"));
        };
        let path = binary.env.get("PATH").unwrap_or(&self.path);
        Ok(Recipe {
            program: self::program(program, path)?,
            argv: argv.iter().map(|word| c_string(word, "argument")).collect::<Result<_, _>>()?,
            env,
            working_dir: c_string(
                if binary.working_dir.is_empty() { "/" } else { &binary.working_dir },
                "working directory",
            )?,
            identity: identity.map(|(identity, _)| identity),
            umask: binary.umask,
            nice: (binary.nice != self.nice).then_some(binary.nice),
            oom_score: binary.oom_score.map(|score| c_string(&score.to_string(), "oom score")).transpose()?,
            no_new_privileges: binary.no_new_privileges,
            capabilities: binary.capabilities.as_deref().map(capability::set).transpose()?,
            rlimits: self.rlimits(&binary.limits),
            ready_fd: None,
            cgroup_procs: None,
        })
    }

    fn rlimits(&self, limits: &Limits) -> Vec<Rlimit> {
        let both =
            |name, resource, value: Option<u64>| value.map(|value| Rlimit { name, resource, soft: value, hard: value });
        let (soft, hard) = self.nofile;
        let unlimited = Rlimit { name: "nofile", resource: number(libc::RLIMIT_NOFILE), soft, hard };
        let mut list = vec![both("nofile", number(libc::RLIMIT_NOFILE), limits.nofile).unwrap_or(unlimited)];
        list.extend(both("core", number(libc::RLIMIT_CORE), limits.core_bytes));
        list.extend(both("address_space", number(libc::RLIMIT_AS), limits.address_space_bytes));
        list.extend(both("file_size", number(libc::RLIMIT_FSIZE), limits.file_size_bytes));
        list
    }
}

/// glibc and musl disagree about the sign of these small numbers.
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, clippy::allow_attributes, reason = "see above")]
const fn number(resource: RlimitNumber) -> i32 {
    resource as i32
}

#[cfg(target_env = "musl")]
type RlimitNumber = libc::c_int;
#[cfg(not(target_env = "musl"))]
type RlimitNumber = libc::__rlimit_resource_t;

/// A refusal without a question to the kernel.
pub(super) fn refused(stage: SpawnStage, text: impl Into<String>) -> SpawnError {
    SpawnError { stage, errno: 0, text: text.into() }
}

fn c_string(text: &str, what: &str) -> Result<CString, SpawnError> {
    CString::new(text).map_err(|_| refused(SpawnStage::Prepare, format!("{what} `{text:?}` contains a zero byte")))
}

fn variable(name: &str, value: &str) -> Result<CString, SpawnError> {
    c_string(&format!("{name}={value}"), "environment variable")
}

/// The path to give to exec. A name without a slash is looked up as a shell would; what is not found is left to exec
/// under the name as written, so that the kernel's own reason is reported.
fn program(name: &str, path: &str) -> Result<CString, SpawnError> {
    if name.is_empty() {
        return Err(refused(SpawnStage::Exec, "the path of the program is empty"));
    }
    if name.contains('/') {
        return c_string(name, "path");
    }
    let candidates = path.split(':').map(|dir| Path::new(if dir.is_empty() { "." } else { dir }).join(name));
    let mut found: Option<PathBuf> = None;
    for candidate in candidates {
        match std::fs::metadata(&candidate) {
            Ok(metadata) if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 => {
                found = Some(candidate);
                break;
            }
            // Remembered for its reason (no permission to execute) when nothing better comes.
            Ok(metadata) if metadata.is_file() => found = found.or(Some(candidate)),
            Ok(_) | Err(_) => {}
        }
    }
    match found {
        Some(path) => CString::new(path.as_os_str().as_bytes())
            .map_err(|_| refused(SpawnStage::Exec, format!("{}: contains a zero byte", path.display()))),
        None => Err(SpawnError {
            stage: SpawnStage::Exec,
            errno: libc::ENOENT,
            text: format!("{name}: no such program in {path}"),
        }),
    }
}
