//! What this machine cannot give, said once at start.

use std::path::Path;

use nix::unistd::Uid;

use super::{cgroup::Cgroups, launch::Ground, mark::Marker};

/// One sentence for each thing that is missing.
pub(super) fn report(cgroups: Option<&Cgroups>, cgroups_wanted: bool, ground: &Ground) -> Vec<String> {
    let mut report = Vec::new();
    match cgroups {
        _ if !cgroups_wanted => {}
        None => report.push(
            "There is no control group (v2) that ubmcd may use: limits of memory, cores and processes are not enforced."
                .to_owned(),
        ),
        Some(cgroups) => {
            let names = [("memory", "memory"), ("cpu", "cores"), ("pids", "processes")];
            let missing: Vec<_> = names.iter().filter(|(name, _)| !cgroups.offered.contains(name)).collect();
            if !missing.is_empty() {
                let controllers = missing.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                let bounds = missing.iter().map(|(_, bound)| *bound).collect::<Vec<_>>().join(", ");
                report.push(format!(
                    "Control groups (v2) lack the controllers {controllers} here: limits of {bounds} are not enforced."
                ));
            }
        }
    }
    if !Uid::effective().is_root() {
        report.push(
            "ubmcd does not run as root: services cannot change their user, raise limits or be given capabilities."
                .to_owned(),
        );
    }
    if !ground.born_in_cgroup() {
        report.push(
            "The kernel has no usable clone3 (Linux 5.9): starting processes takes longer the more of them run."
                .to_owned(),
        );
    }
    if !Path::new("/proc/thread-self/children").exists() {
        report.push(
            "The kernel does not list children (CONFIG_PROC_CHILDREN): every end of a process costs a look at all others."
                .to_owned(),
        );
    }
    report
}

/// Whether processes cannot be marked.
pub(super) fn marks(marker: Marker) -> Option<String> {
    (!marker.works()).then(|| {
        "Processes cannot be marked (RLIMIT_LOCKS is too low): what leaves its service's session is not found when the \
         service is killed."
            .to_owned()
    })
}
