//! What the daemon wants to do with machines by itself: at its time, through an ordinary operation, and again with a
//! growing pause as long as something stands against it that time can resolve.
//!
//! ```text
//!   wait ──its time──▶ try ──accepted──▶ under way ──the operation ends──▶ (gone)
//!    ▲                  │ refused, and time can resolve it
//!    └── 1 s … 30 s ────┘          else, or after ten minutes ──▶ given up, told
//! ```

use std::time::Duration;

use crate::{
    ids::{MachineId, OperationId, ScheduleId},
    input::Verb,
    refusal::Obstacle,
    time::Mono,
};

/// First pause after a refusal; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// From the first try on; then it is given up.
const PATIENCE: Duration = Duration::from_secs(600);

/// What wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The restore policy.
    Restore,
    /// The policy on boots that do not finish.
    Boot,
    /// Somebody, at a time.
    Schedule(ScheduleId),
}

/// One thing to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Intent {
    /// With which machine.
    pub(super) machine: MachineId,
    /// What.
    pub(super) verb: Verb,
    /// What wants it.
    pub(super) source: Source,
    /// Why, for the operation.
    pub(super) why: String,
    /// Where it stands.
    pub(super) stage: Stage,
}

/// Where an intent stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// To be tried at that time.
    Waits {
        /// When.
        at: Mono,
        /// When it was tried first. Absent: never yet.
        since: Option<Mono>,
        /// The pause after the next refusal.
        pause: Duration,
        /// What stood against it last; empty: nothing did yet.
        held_by: String,
    },
    /// It has become this operation.
    Runs(OperationId),
}

impl Intent {
    /// To be tried at `at` first.
    pub(super) fn new(machine: MachineId, verb: Verb, source: Source, why: String, at: Mono) -> Self {
        let stage = Stage::Waits { at, since: None, pause: FIRST_PAUSE, held_by: String::new() };
        Self { machine, verb, source, why, stage }
    }

    /// When it is to be tried. Absent: it runs.
    pub(super) const fn due(&self) -> Option<Mono> {
        match self.stage {
            Stage::Waits { at, .. } => Some(at),
            Stage::Runs(_) => None,
        }
    }

    /// It has been tried, and is held up by something that time may resolve.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.stage, Stage::Waits { since: Some(_), .. })
    }

    /// It was refused. The condition is given back when it is to be given up: because time does not resolve it, or has
    /// not. `passing`: the state that the machine is in does not last.
    pub(super) fn refused(&mut self, obstacles: &[Obstacle], passing: bool, now: Mono) -> Option<String> {
        let Stage::Waits { at, since, pause, held_by } = &mut self.stage else { return None };
        let first = *since.get_or_insert(now);
        let hopeless = obstacles.iter().find(|obstacle| !time_resolves(obstacle, passing));
        let over = now.since(first) >= PATIENCE;
        if let Some(obstacle) = hopeless.or_else(|| obstacles.first().filter(|_| over)) {
            return Some(obstacle.text.clone());
        }
        *held_by = obstacles.first().map(|obstacle| obstacle.text.clone()).unwrap_or_default();
        // Tried early, because something has moved, the pause does not grow.
        if now >= *at {
            *at = now + *pause;
            *pause = (*pause * 2).min(LONGEST_PAUSE);
        }
        None
    }
}

/// Whether a condition may pass without anybody's doing.
fn time_resolves(obstacle: &Obstacle, passing: bool) -> bool {
    match obstacle.kind {
        "not-in-this-state" => passing,
        // Somebody has to look at it first.
        "zone-tripped" => false,
        "bmc-not-ready" => !obstacle.text.ends_with("maintenance") && !obstacle.text.ends_with("quiesced"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacle(kind: &'static str, text: &str) -> Obstacle {
        Obstacle { kind, subject: String::new(), text: text.to_owned(), remedy: String::new(), since: None }
    }

    #[test]
    fn pauses_grow_to_a_bound_and_so_does_patience() {
        let on = Verb::Demand(crate::machines::Demand::On);
        let mut intent = Intent::new(MachineId::new(0), on, Source::Restore, String::new(), Mono::ZERO);
        let (mut tries, mut now) = (Vec::new(), Mono::ZERO);
        let given_up = loop {
            let told = intent.refused(&[obstacle("no-supply", "no AC")], false, now);
            tries.push(now.since_origin().as_secs());
            if let Some(why) = told {
                break why;
            }
            now = intent.due().unwrap();
        };
        assert_eq!(tries[..7], [0, 1, 3, 7, 15, 31, 61]);
        assert_eq!(given_up, "no AC");
        assert!((600..=630).contains(tries.last().unwrap()), "{tries:?}");
    }

    #[test]
    fn what_only_a_person_can_resolve_is_given_up_at_once() {
        for (kind, text, hopeless) in [
            ("zone-tripped", "zone cpu has tripped", true),
            ("not-in-this-state", "`reset` has no meaning", true),
            ("bmc-not-ready", "the BMC is maintenance", true),
            ("bmc-not-ready", "the BMC is initializing", false),
            ("too-many-powering-on", "1 hosts are powering on", false),
            ("operation-running", "op-1 is driving chassis", false),
            ("no-supply", "none is present", false),
        ] {
            let on = Verb::Demand(crate::machines::Demand::On);
            let mut intent = Intent::new(MachineId::new(0), on, Source::Restore, String::new(), Mono::ZERO);
            assert_eq!(intent.refused(&[obstacle(kind, text)], false, Mono::ZERO).is_some(), hopeless, "{kind} {text}");
        }
    }
}
