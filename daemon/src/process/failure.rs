//! A failed start, in the words of the person who has to mend it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use nix::errno::Errno;
use ubmc_core::{
    input::{SpawnError, SpawnStage},
    services::Binary,
};

use super::{
    launch::{Failure, NO_PIDFD},
    recipe::Recipe,
};

/// What the kernel says, as the end of a sentence.
pub(super) fn reason(errno: i32) -> String {
    match Errno::from_raw(errno) {
        Errno::UnknownErrno => format!("error {errno}"),
        known => known.desc().to_lowercase(),
    }
}

/// What failed, where and why.
pub(super) fn describe(failure: Failure, recipe: &Recipe, binary: &Binary) -> SpawnError {
    let Failure { stage, errno, detail } = failure;
    let reason = reason(errno);
    let is_root = nix::unistd::Uid::effective().is_root();
    let unprivileged = if errno == libc::EPERM && !is_root { "; ubmcd does not run as root" } else { "" };
    let text = match stage {
        SpawnStage::Prepare => match (detail, recipe.ready_fd) {
            (NO_PIDFD, _) => "this kernel is too old: ubmcd needs Linux 5.3 or later (pidfd)".to_owned(),
            (4, Some(fd)) => format!("readiness descriptor {fd}: {reason}"),
            _ => reason,
        },
        SpawnStage::Session | SpawnStage::Preflight => reason,
        SpawnStage::Limits => match recipe.rlimits.get(detail) {
            Some(limit) => format!("{} = {}: {reason}{unprivileged}", limit.name, limit.soft),
            None => format!("the mark by which it is known: {reason}{unprivileged}"),
        },
        SpawnStage::Priority => match detail {
            0 => format!("umask: {reason}"),
            1 => format!("nice {}: {reason}{unprivileged}", binary.nice),
            _ => format!("oom score {}: {reason}{unprivileged}", binary.oom_score.unwrap_or_default()),
        },
        SpawnStage::Cgroup => match &recipe.cgroup_procs {
            Some(path) => format!("{}: {reason}", path.to_string_lossy()),
            None => reason,
        },
        SpawnStage::User => match (&binary.user, &binary.group) {
            (Some(user), _) => format!("user `{user}`: {reason}{unprivileged}"),
            (None, Some(group)) => format!("group `{group}`: {reason}{unprivileged}"),
            (None, None) => reason,
        },
        SpawnStage::Privileges => match detail {
            4 => format!("no new privileges: {reason}"),
            _ => format!("capabilities: {reason}{unprivileged}"),
        },
        SpawnStage::WorkingDirectory => format!("{}: {reason}", recipe.working_dir.to_string_lossy()),
        SpawnStage::Exec => exec_text(&recipe.program.to_string_lossy(), errno, &reason),
    };
    SpawnError { stage, errno, text }
}

/// The kernel gives one reason for several causes; what can be seen from here tells them apart.
fn exec_text(program: &str, errno: i32, reason: &str) -> String {
    match errno {
        libc::ENOENT if Path::new(program).exists() => match interpreter(Path::new(program)) {
            Some(interpreter) => format!("{program}: its interpreter {interpreter}: {reason}"),
            None => format!("{program}: its dynamic loader is not on this machine: {reason}"),
        },
        libc::ENOEXEC => format!("{program}: {reason}: neither a program for this machine nor a script with `#!`"),
        libc::EACCES if Path::new(program).is_dir() => format!("{program}: it is a directory"),
        _ => format!("{program}: {reason}"),
    }
}

fn interpreter(script: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(File::open(script).ok()?).take(256).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?).into_owned();
    line.split_whitespace().next().map(str::to_owned)
}
