//! Control groups (version 2), for what only they can bound: memory, cores and number of processes of a service as a
//! whole.
//!
//! Only a service that declares such a limit gets a group. For telling a service's processes apart they are not needed
//! (see [`super::mark`]), and making and removing one for each start costs a third of the start itself.

use std::{
    ffi::CString,
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, Mode, OFlags};
use ubmc_core::{
    ids::{Generation, Name},
    input::{SpawnError, SpawnStage},
    services::Limits,
};

use super::failure;

/// What we want to bound, as the kernel names it.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];
/// Microseconds over which the share of the cores is measured; the kernel's own default.
const CPU_PERIOD: f64 = 100_000.0;

/// Where our groups are made.
#[derive(Debug)]
pub(super) struct Cgroups {
    /// The group that the daemon was started in.
    base: PathBuf,
    /// The group below it that holds ours; made when the first is needed.
    root: PathBuf,
    /// What can be bounded in ours. Absent: not set up yet.
    active: Option<Vec<&'static str>>,
    /// What might be, as far as can be seen without changing anything.
    pub(super) offered: Vec<&'static str>,
}

/// The group of one life.
#[derive(Debug)]
pub(super) struct Group {
    path: PathBuf,
    fd: OwnedFd,
}

impl Cgroups {
    /// Absent: there is no control group that we may make others in.
    pub(super) fn find() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let base = mounts.lines().find_map(|line| base(line, own))?;
        rustix::fs::access(&base, Access::WRITE_OK).ok()?;
        let offered = known(&fs::read_to_string(base.join("cgroup.controllers")).ok()?);
        let root = base.join(format!("ubmcd-{}", std::process::id()));
        Some(Self { base, root, active: None, offered })
    }

    /// Without a kernel behind them, below a folder, for tests.
    #[cfg(test)]
    pub(super) fn made_up(base: &Path) -> Self {
        Self { base: base.to_owned(), root: base.join("root"), active: Some(Vec::new()), offered: Vec::new() }
    }

    /// Makes the group of one life. Absent: it has no limit that needs one.
    pub(super) fn group(
        &mut self,
        name: &Name,
        generation: Generation,
        limits: &Limits,
    ) -> Result<Option<Group>, SpawnError> {
        let wanted = wanted(limits);
        if wanted.is_empty() {
            return Ok(None);
        }
        let path = self.root.join(format!("{}.{}", name.as_str().replace('/', "_"), generation.0));
        self.make(&path, &wanted).map(Some).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(0);
            SpawnError {
                stage: SpawnStage::Cgroup,
                errno,
                text: format!("{}: {}", path.display(), failure::reason(errno)),
            }
        })
    }

    /// Limits that are declared and that this machine cannot enforce, one sentence each. `cgroups` are absent where there
    /// are none to be had.
    pub(super) fn unmet(cgroups: Option<&Self>, limits: &Limits) -> Vec<String> {
        let active = cgroups.and_then(|cgroups| cgroups.active.as_deref()).unwrap_or_default();
        let unmet = wanted(limits).into_iter().filter(|(controller, ..)| !active.contains(controller));
        unmet
            .map(|(controller, ..)| {
                format!("its {controller} limit is not enforced: the {controller} controller of cgroup v2 is not to be had here")
            })
            .collect()
    }

    fn make(&mut self, path: &Path, wanted: &[(&'static str, &'static str, String)]) -> io::Result<Group> {
        let active = match &self.active {
            Some(active) => active.clone(),
            None => self.set_up()?,
        };
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let fd = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // From here on the group is removed when it is dropped.
        let group = Group { path: path.to_owned(), fd };
        for (controller, file, value) in wanted {
            if active.contains(controller) {
                fs::write(path.join(file), value)?;
            }
        }
        Ok(group)
    }

    /// Makes our root and passes the controllers on to it, as many as the kernel lets us.
    fn set_up(&mut self) -> io::Result<Vec<&'static str>> {
        sweep(&self.base);
        fs::create_dir_all(&self.root)?;
        if pass_on(&self.base) == Passed::Busy {
            // A group with processes of its own cannot pass controllers on: out of it, with us at least.
            let own = self.root.join("daemon");
            fs::create_dir_all(&own)?;
            fs::write(own.join("cgroup.procs"), "0")?;
            pass_on(&self.base);
        }
        pass_on(&self.root);
        let active = known(&fs::read_to_string(self.root.join("cgroup.subtree_control"))?);
        self.active = Some(active.clone());
        Ok(active)
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        // Fails while a service or we ourselves are in it, and then it is in use.
        let _ = fs::remove_dir(&self.root);
    }
}

impl Group {
    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For processes that cannot be born in it.
    pub(super) fn procs(&self) -> Option<CString> {
        CString::new(self.path.join("cgroup.procs").as_os_str().as_bytes()).ok()
    }

    /// Everything in it, at once, forks in flight included (Linux 5.14; before, the tree is walked).
    pub(super) fn kill(&self) {
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.path) {
            tracing::debug!(group = %self.path.display(), %error, "left behind");
        }
    }
}

/// Removes what daemons that were killed have left. A group in which something still runs stays: the kernel sees to that.
fn sweep(base: &Path) {
    let Ok(groups) = fs::read_dir(base) else { return };
    for group in groups.flatten() {
        let daemon = group.file_name().to_str().and_then(|name| name.strip_prefix("ubmcd-")?.parse::<u32>().ok());
        if daemon.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            for life in fs::read_dir(group.path()).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(life.path());
            }
            let _ = fs::remove_dir(group.path());
        }
    }
}

#[derive(PartialEq, Eq)]
enum Passed {
    AsFarAsTheyGo,
    /// There are processes in the way.
    Busy,
}

/// Passes controllers on to the groups below, each by itself: one that is not to be had must not take the others along.
fn pass_on(group: &Path) -> Passed {
    let mut passed = Passed::AsFarAsTheyGo;
    for controller in CONTROLLERS {
        let result = fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"));
        if result.is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy) {
            passed = Passed::Busy;
        }
    }
    passed
}

/// Controller, file and value of each limit that needs a group.
fn wanted(limits: &Limits) -> Vec<(&'static str, &'static str, String)> {
    let memory = limits.memory_bytes.map(|bytes| ("memory", "memory.max", bytes.to_string()));
    let cpu = limits.cpu_cores.map(|cores| ("cpu", "cpu.max", format!("{:.0} {CPU_PERIOD:.0}", cores * CPU_PERIOD)));
    let pids = limits.pids.map(|count| ("pids", "pids.max", count.to_string()));
    [memory, cpu, pids].into_iter().flatten().collect()
}

fn known(list: &str) -> Vec<&'static str> {
    CONTROLLERS.into_iter().filter(|known| list.split_whitespace().any(|word| word == *known)).collect()
}

/// The daemon's own group, if this line of mountinfo is a cgroup v2 mount that shows it.
fn base(line: &str, own: &str) -> Option<PathBuf> {
    let (mount, kind) = line.split_once(" - ")?;
    if kind.split(' ').next()? != "cgroup2" {
        return None;
    }
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some(Path::new(point).join(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_where_it_is_mounted() {
        let cases = [
            ("30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw", "/", Some("/sys/fs/cgroup")),
            (
                "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate",
                "/system.slice/ubmc.service",
                Some("/sys/fs/cgroup/system.slice/ubmc.service"),
            ),
            ("30 23 0:26 /pod /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "/pod/x", Some("/sys/fs/cgroup/x")),
            ("30 23 0:26 /pod /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "/other", None),
            ("31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu", "/", None),
            ("", "/", None),
        ];
        for (line, own, expected) in cases {
            assert_eq!(base(line, own), expected.map(PathBuf::from), "{line}");
        }
    }

    #[test]
    fn only_what_dead_daemons_left_is_swept_away() {
        let base = tempfile::tempdir().unwrap();
        let (alive, dead) = (std::process::id(), u32::MAX);
        for group in [format!("ubmcd-{alive}/web.1"), format!("ubmcd-{dead}/web.1"), "ubmcd-x".into(), "other".into()] {
            fs::create_dir_all(base.path().join(group)).unwrap();
        }
        sweep(base.path());
        let mut left: Vec<_> = fs::read_dir(base.path()).unwrap().flatten().map(|entry| entry.path()).collect();
        left.sort();
        let expected = ["other".to_owned(), format!("ubmcd-{alive}"), "ubmcd-x".to_owned()];
        assert_eq!(left, expected.map(|name| base.path().join(name)));
    }

    #[test]
    fn limits_are_written_as_the_kernel_reads_them() {
        let limits = Limits {
            memory_bytes: Some(1 << 20),
            cpu_cores: Some(0.5),
            pids: Some(32),
            nofile: Some(100),
            ..Limits::default()
        };
        let written: Vec<_> = wanted(&limits).into_iter().map(|(_, file, value)| format!("{file}={value}")).collect();
        assert_eq!(written, ["memory.max=1048576", "cpu.max=50000 100000", "pids.max=32"]);
    }
}
