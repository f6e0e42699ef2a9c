//! `[services.NAME.deployment]` and `[services.NAME.limits]`: what it is that runs.

use std::sync::Arc;

use ubmc_core::services::{Binary, Builtin, Deployment, Limits, Signal};

use super::elsewhere::{self, Elsewhere};
use crate::board::{
    schema,
    source::At,
    table::{Context, Table, nearest, text},
};

const SIGNALS: [(&str, Signal); 8] = [
    ("TERM", Signal::Term),
    ("INT", Signal::Int),
    ("QUIT", Signal::Quit),
    ("HUP", Signal::Hup),
    ("USR1", Signal::Usr1),
    ("USR2", Signal::Usr2),
    ("KILL", Signal::Kill),
    ("CONT", Signal::Cont),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Builtin,
    Binary,
    /// Understood, not run.
    Elsewhere(Elsewhere),
}

impl Mode {
    /// The key with its details.
    const fn key(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Binary => "binary",
            Self::Elsewhere(elsewhere) => elsewhere.key(),
        }
    }

    /// All, as registries write them.
    fn all() -> Vec<(&'static str, Self)> {
        let elsewhere = Elsewhere::ALL.map(|elsewhere| (elsewhere.mode(), Self::Elsewhere(elsewhere)));
        [("builtin", Self::Builtin), ("binary", Self::Binary)].into_iter().chain(elsewhere).collect()
    }
}

/// How the service is run; nothing when that cannot be told.
pub(super) fn read(service: &Table<'_>, name: &str, limits: Limits, cx: &mut Context<'_>) -> Option<Deployment> {
    if !service.has("deployment") {
        service.missing("deployment", "{ mode = \"binary\", binary = { binary_path = \"…\" } }", cx);
    }
    let table = service.table("deployment", schema::DEPLOYMENT, cx)?;
    let modes = Mode::all();
    // Details of exactly one mode say which one is meant.
    let detailed: Vec<_> = modes.iter().map(|(_, mode)| *mode).filter(|mode| table.has(mode.key())).collect();
    let mode = match detailed.as_slice() {
        [only] if !table.has("mode") => *only,
        _ => table.required_word("mode", &modes, cx)?.value,
    };
    for key in modes.iter().map(|(_, other)| other.key()).filter(|key| *key != mode.key()) {
        if table.has(key) {
            cx.out
                .warning(table.key_at(key), format!("`{key}` of {} has no effect in this mode", service.who))
                .related(table.value_at("mode"), "the mode");
        }
    }
    match mode {
        Mode::Builtin => {
            if limits != Limits::default() {
                cx.out
                    .error(
                        service.key_at("limits"),
                        format!("{} is a task inside ubmcd and has no limits of its own", service.who),
                    )
                    .label("remove them");
            }
            builtin(service, &table, name, cx).map(Deployment::Builtin)
        }
        Mode::Binary => {
            if !table.has("binary") {
                table.missing("binary", "{ binary_path = \"…\" }", cx);
            }
            let table = table.table("binary", schema::BINARY, cx)?;
            binary(service, &table, limits, cx).map(|binary| Deployment::Binary(Arc::new(binary)))
        }
        Mode::Elsewhere(mode) => Some(elsewhere::read(service, &table, mode, cx)),
    }
}

fn builtin(service: &Table<'_>, table: &Table<'_>, name: &str, cx: &mut Context<'_>) -> Option<Builtin> {
    let explicit = table.text("builtin", cx);
    let wanted = explicit.unwrap_or_else(|| At::new(name.to_owned(), service.at));
    let found = Builtin::from_name(&wanted.value);
    if found.is_none() {
        let known = Builtin::ALL.map(Builtin::as_str);
        cx.out
            .error(wanted.at, format!("{} is builtin, but ubmcd has no task `{}`", service.who, wanted.value))
            .meant(nearest(&wanted.value, known))
            .help(format!("tasks: {}; `builtin = \"…\"` says which one when the name differs", known.join(", ")));
    }
    found
}

fn binary(service: &Table<'_>, table: &Table<'_>, limits: Limits, cx: &mut Context<'_>) -> Option<Binary> {
    let path = table.required_text("binary_path", "\"/usr/bin/…\"", cx);
    if let Some(path) = &path {
        // A bare name is looked up in PATH.
        check_path(path, "binary_path", service, !path.value.contains('/'), cx);
    }
    let working_dir = table.text("working_dir", cx);
    if let Some(dir) = &working_dir {
        check_path(dir, "working_dir", service, false, cx);
    }
    let mut words = |key: &str| table.texts(key, cx).into_iter().map(|text| text.value).collect::<Vec<_>>();
    let (args, stop_command) = (words("args"), words("stop_command"));
    if let Some(program) = stop_command.first()
        && program.trim().is_empty()
    {
        cx.out.error(table.key_at("stop_command"), format!("`stop_command` of {} names no program", service.who));
    }
    Some(Binary {
        path: path.map(|path| path.value)?,
        args,
        working_dir: working_dir.map_or_else(|| "/".to_owned(), |dir| dir.value),
        env: environment(table, cx),
        user: account(table, "user", cx),
        group: account(table, "group", cx),
        stop_command,
        stop_signal: stop_signal(table, cx),
        umask: umask(table, cx),
        nice: table.integer("nice", -20..=19, cx).map_or(0, |nice| nice.value),
        oom_score: table.integer("oom_score", -1000..=1000, cx).map(|score| score.value),
        no_new_privileges: table.bool("no_new_privileges", cx).unwrap_or(false),
        capabilities: capabilities(table, cx),
        limits,
    })
}

/// A path that will mean the same whoever reads it.
pub(super) fn check_path(path: &At<String>, key: &str, service: &Table<'_>, may_be_bare: bool, cx: &mut Context<'_>) {
    let text = path.value.as_str();
    if text.trim().is_empty() {
        cx.out.error(path.at, format!("`{key}` of {} is empty", service.who)).label("which one?");
    } else if text.starts_with('~') || text.starts_with('$') {
        cx.out
            .error(path.at, format!("`{key}` of {} is written for a shell, but no shell reads it", service.who))
            .help("`${HOME}/…` is expanded; `~` and `$HOME` are not");
    } else if !text.starts_with('/') && !may_be_bare {
        cx.out.error(path.at, format!("`{key}` of {} is not absolute", service.who)).label("relative to what?");
    }
}

/// Variables for a process.
pub(super) fn environment(table: &Table<'_>, cx: &mut Context<'_>) -> std::collections::BTreeMap<String, String> {
    let mut env = std::collections::BTreeMap::new();
    for entry in table.free_table("env", cx) {
        let good = !entry.key.is_empty() && !entry.key.contains(['=', '\0']);
        if !good {
            cx.out
                .error(entry.key_at, format!("`{}` cannot be the name of a variable", entry.key.replace('\0', "\\0")));
        }
        if let Some(value) = text(&entry.node, &format!("variable `{}` of {}", entry.key, table.who), cx) {
            env.insert(entry.key.clone(), value.value);
        }
    }
    env
}

fn account(table: &Table<'_>, key: &str, cx: &mut Context<'_>) -> Option<String> {
    let name = table.text(key, cx)?;
    if name.value.trim().is_empty() {
        cx.out.error(name.at, format!("{} is empty", table.named(key))).label("leave it out for ubmcd's own");
    }
    Some(name.value)
}

fn stop_signal(table: &Table<'_>, cx: &mut Context<'_>) -> Signal {
    let Some(name) = table.text("stop_signal", cx) else { return Signal::Term };
    let short = At::new(name.value.trim_start_matches("SIG").to_owned(), name.at);
    crate::board::table::choose(&short, &table.named("stop_signal"), &SIGNALS, cx).unwrap_or_default()
}

/// Octal text such as `"022"`: a bare number would be read as decimal by some and octal by others.
fn umask(table: &Table<'_>, cx: &mut Context<'_>) -> Option<u32> {
    let umask = table.text("umask", cx)?;
    match u32::from_str_radix(umask.value.trim_start_matches("0o"), 8) {
        Ok(bits) if bits <= 0o777 => Some(bits),
        _ => {
            cx.out
                .error(umask.at, format!("{} is no file mode", table.named("umask")))
                .label("octal, \"000\" to \"777\"");
            None
        }
    }
}

/// Kernel names as of Linux 6.12, `include/uapi/linux/capability.h`.
const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

fn capabilities(table: &Table<'_>, cx: &mut Context<'_>) -> Option<Vec<String>> {
    if !table.has("capabilities") {
        return None;
    }
    let names = table.texts("capabilities", cx);
    for name in &names {
        if !CAPABILITIES.contains(&name.value.as_str()) {
            cx.out
                .error(
                    name.at,
                    format!("{} names `{}`, which Linux does not have", table.named("capabilities"), name.value),
                )
                .meant(nearest(&name.value, CAPABILITIES));
        }
    }
    Some(names.into_iter().map(|name| name.value).collect())
}

/// Bounds on what the process may use.
pub(super) fn limits(service: &Table<'_>, cx: &mut Context<'_>) -> Limits {
    let Some(table) = service.table("limits", schema::LIMITS, cx) else { return Limits::default() };
    let mut bytes = |key: &str, least: u64| {
        let size = table.bytes(key, cx)?;
        if size.value < least {
            cx.out
                .error(size.at, format!("{} is too small for any program", table.named(key)))
                .label(format!("at least {least} bytes"));
        }
        Some(size.value)
    };
    Limits {
        memory_bytes: bytes("memory", 64 << 10),
        core_bytes: bytes("core", 0),
        address_space_bytes: bytes("address_space", 64 << 10),
        file_size_bytes: bytes("file_size", 0),
        cpu_cores: table.number("cpu", 0.01..=1024.0, cx).map(|cores| cores.value),
        pids: count(&table, "pids", 1, cx),
        nofile: count(&table, "nofile", 4, cx),
    }
}

fn count(table: &Table<'_>, key: &str, least: i64, cx: &mut Context<'_>) -> Option<u64> {
    table.integer(key, least..=1 << 30, cx).and_then(|count| u64::try_from(count.value).ok())
}
