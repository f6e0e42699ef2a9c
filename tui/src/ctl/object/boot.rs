//! How the start of the platform went. Times are seconds after it began.

use serde::Serialize;
use ubmc_proto::v1;

use super::present;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Boot {
    /// Everything is up, or its time is over.
    pub ended: bool,
    /// Not everything was up in time.
    pub timed_out: bool,
    /// How long it took. Absent while it goes on.
    pub took_s: Option<f64>,
    /// How far it is: what it took, or as long as it goes on by now.
    pub elapsed_s: f64,
    /// When it began, in seconds of the daemon's monotonic clock.
    pub started_mono_s: f64,
    pub phases: Vec<BootPhase>,
    pub services: Vec<BootService>,
    /// Names along the chain that decided how long it took, first to last.
    pub critical_path: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct BootPhase {
    pub group: String,
    pub began_s: Option<f64>,
    pub ended_s: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct BootService {
    pub name: String,
    pub group: String,
    /// `pending`, `ready`, `completed`, `failed`, `abandoned`.
    pub outcome: String,
    /// The last thing that it waited for.
    pub waited_for: Option<String>,
    /// When nothing held it up any more, and so how long something did.
    pub released_s: Option<f64>,
    /// When its process or task was asked for.
    pub spawned_s: Option<f64>,
    /// When it was ready, or had come to another end.
    pub settled_s: Option<f64>,
    /// From released to settled: what it took itself.
    pub own_s: Option<f64>,
    pub critical: bool,
}

impl Boot {
    /// `now`: the daemon's monotonic clock, where it is known.
    pub(crate) fn new(wire: v1::BootTimeline, now: Option<f64>) -> Self {
        let after = |at: f64| (at - wire.started_s).max(0.0);
        let service = |wire: v1::BootService| {
            let (released_s, settled_s) = (wire.released_s.map(after), wire.settled_s.map(after));
            BootService {
                name: wire.name,
                group: wire.group,
                outcome: wire.outcome,
                waited_for: present(wire.waited_for),
                released_s,
                spawned_s: wire.spawned_s.map(after),
                settled_s,
                own_s: settled_s.zip(released_s).map(|(settled, released)| (settled - released).max(0.0)),
                critical: wire.critical,
            }
        };
        let services: Vec<_> = wire.services.into_iter().map(service).collect();
        let took_s = wire.ended_s.map(after);
        let known = || services.iter().flat_map(|one| [one.released_s, one.settled_s]).flatten().fold(0.0, f64::max);
        Self {
            ended: took_s.is_some(),
            timed_out: wire.timed_out,
            took_s,
            elapsed_s: took_s.or(now.map(after)).unwrap_or_else(known),
            started_mono_s: wire.started_s,
            phases: wire
                .phases
                .into_iter()
                .map(|phase| BootPhase {
                    group: phase.group,
                    began_s: phase.began_s.map(after),
                    ended_s: phase.ended_s.map(after),
                })
                .collect(),
            services,
            critical_path: wire.critical_path,
        }
    }

    /// The services along the critical path, first to last.
    pub(crate) fn critical(&self) -> impl Iterator<Item = &BootService> {
        self.critical_path.iter().filter_map(|name| self.services.iter().find(|service| service.name == *name))
    }
}

/// What decided how long the start took.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CriticalPath {
    pub ended: bool,
    pub timed_out: bool,
    pub took_s: Option<f64>,
    pub elapsed_s: f64,
    /// First to last.
    pub services: Vec<BootService>,
}

impl From<Boot> for CriticalPath {
    fn from(boot: Boot) -> Self {
        Self {
            services: boot.critical().cloned().collect(),
            ended: boot.ended,
            timed_out: boot.timed_out,
            took_s: boot.took_s,
            elapsed_s: boot.elapsed_s,
        }
    }
}
