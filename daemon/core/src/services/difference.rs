//! In what a declaration differs from the one that holds, and whether a running process could be given that.

use super::{
    Binary, Deployment, HealthCheck, Readiness, ServiceSpec,
    unit::{State, Unit},
};

/// In what a declaration differs from the one that holds.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// As registries write them.
    pub(super) fields: Vec<&'static str>,
    /// A running process cannot be given it.
    pub(super) needs_new_life: bool,
}

impl Difference {
    pub(super) fn between(unit: &Unit, new: &ServiceSpec) -> Self {
        let old = &unit.spec;
        let mut found = Self::default();
        let mut note = |field, differs: bool, new_life: bool| {
            if differs {
                found.fields.push(field);
                found.needs_new_life |= new_life;
            }
        };
        let deployment = unit.renewal.as_ref().unwrap_or(&old.deployment);
        match (deployment, &new.deployment) {
            (Deployment::Binary(old), Deployment::Binary(new)) => {
                for (field, differs) in of_binaries(old, new) {
                    note(field, differs, true);
                }
                let stop = old.stop_command != new.stop_command || old.stop_signal != new.stop_signal;
                note("stop", stop, false);
            }
            (old, new) => note("deployment", old != new, true),
        }
        let heartbeat = |spec: &ServiceSpec| {
            spec.health.as_ref().filter(|health| *health.check == HealthCheck::Heartbeat).map(|health| health.interval)
        };
        // How often it has to beat is told to the process when it is started.
        note("health_check", old.health != new.health && heartbeat(old) != heartbeat(new), true);
        // What decides a start cannot change under it.
        let starting = matches!(unit.state, State::Starting { .. });
        let decides = starting && old.readiness == Readiness::Check;
        note("health_check", old.health != new.health && heartbeat(old) == heartbeat(new), decides);
        note("readiness_check", old.readiness_check != new.readiness_check, starting);
        note("readiness", old.readiness != new.readiness, starting);
        note("oneshot", old.run != new.run, starting);
        note("dependencies", old.dependencies != new.dependencies, false);
        note("wants", old.wants != new.wants, false);
        note("after", old.after != new.after, false);
        note("before", old.before != new.before, false);
        note("conflicts", old.conflicts != new.conflicts, false);
        note("required_for", old.required_for != new.required_for, false);
        note("group", old.group != new.group, false);
        note("critical", old.critical != new.critical, false);
        note("protects_hardware", old.protects_hardware != new.protects_hardware, false);
        note("restart", old.restart != new.restart, false);
        note("startup.stop_timeout", old.stop_timeout != new.stop_timeout, false);
        note("startup.start_timeout", old.start_timeout != new.start_timeout, false);
        note("startup.start_delay", old.start_delay != new.start_delay, false);
        note("startup.start_order", old.start_order != new.start_order, false);
        note("startup.auto_start", old.auto_start != new.auto_start, false);
        note("port", old.port != new.port, false);
        let words = |spec: &ServiceSpec| {
            (spec.display_name.clone(), spec.description.clone(), spec.kind.clone(), spec.category.clone())
        };
        note("description", words(old) != words(new), false);
        found
    }
}

fn of_binaries(old: &Binary, new: &Binary) -> [(&'static str, bool); 12] {
    [
        ("binary_path", old.path != new.path),
        ("args", old.args != new.args),
        ("working_dir", old.working_dir != new.working_dir),
        ("env", old.env != new.env),
        ("user", old.user != new.user),
        ("group", old.group != new.group),
        ("umask", old.umask != new.umask),
        ("nice", old.nice != new.nice),
        ("oom_score", old.oom_score != new.oom_score),
        ("no_new_privileges", old.no_new_privileges != new.no_new_privileges),
        ("capabilities", old.capabilities != new.capabilities),
        ("limits", old.limits != new.limits),
    ]
}
