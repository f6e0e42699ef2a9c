//! Interlocks that a privileged user has overridden: one condition of one machine, for a reason, for a while. They are not
//! remembered across restarts of the daemon: what nobody renews holds again.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    event::Severity,
    ids::{MachineId, Name},
    outbox::Outbox,
    refusal::{Obstacle, Refusal},
    time::{Mono, human},
    timers::Timer,
    view::Problem,
};

/// Conditions that may be overridden. The others are what the hardware or the daemon cannot do, or a latched trip.
pub const OVERRIDABLE: [&str; 9] = [
    "zone-starting",
    "zone-failsafe",
    "zone-over-limit",
    "no-supply",
    "supply-budget",
    "part-failed",
    "isolated",
    "bmc-not-ready",
    "too-many-powering-on",
];

/// The longest that an interlock may be overridden at a time.
const LONGEST: Duration = Duration::from_secs(86_400);

/// One overridden interlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Of which machine.
    pub machine: Name,
    /// Which condition.
    pub kind: &'static str,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Mono,
    /// Until when.
    pub until: Mono,
}

/// All of them. There is at most one for each machine and condition.
#[derive(Clone, Debug, Default)]
pub struct Waivers {
    all: BTreeMap<(MachineId, &'static str), Waiver>,
}

impl Waivers {
    /// Whether a condition does not count for a machine, now.
    pub fn waives(&self, machine: MachineId, kind: &str) -> bool {
        self.all.keys().any(|(of, waived)| *of == machine && *waived == kind)
    }

    /// Those of a machine.
    pub fn of(&self, machine: MachineId) -> impl Iterator<Item = &Waiver> {
        self.all.iter().filter(move |((of, _), _)| *of == machine).map(|(_, waiver)| waiver)
    }

    /// Overrides an interlock.
    pub fn grant(
        &mut self,
        (machine, name): (MachineId, &Name),
        kind: &str,
        duration: Duration,
        (actor, reason): (&str, &str),
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let kind = known(kind)?;
        if reason.trim().is_empty() {
            let text = "an interlock is overridden for a reason only: say which (`--reason TEXT`)";
            return Err(Refusal::invalid("REASON_NEEDED", text));
        }
        if !(Duration::from_secs(1)..=LONGEST).contains(&duration) {
            return Err(Refusal::invalid("OUT_OF_RANGE", "an override lasts from 1 to 86400 seconds"));
        }
        let now = out.now();
        let waiver = Waiver {
            machine: name.clone(),
            kind,
            actor: actor.to_owned(),
            reason: reason.to_owned(),
            since: now,
            until: now + duration,
        };
        self.all.insert((machine, kind), waiver);
        self.arm(out);
        out.changed().machines.insert(machine);
        out.event(
            format!("interlock.{name}.overridden"),
            "statemgr",
            Severity::Warning,
            format!(
                "{kind} no longer stands against powering {name} on, for {}, by {actor}: {reason}",
                human(duration)
            ),
            vec![
                ("machine", name.as_str().into()),
                ("condition", kind.into()),
                ("reason", reason.into()),
                ("for_s", duration.as_secs_f64().into()),
            ],
        );
        Ok(())
    }

    /// An interlock holds again; empty: all of this machine.
    pub fn revoke(
        &mut self,
        (machine, name): (MachineId, &Name),
        kind: &str,
        actor: &str,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let wanted = if kind.is_empty() { None } else { Some(known(kind)?) };
        let is_meant = |of: MachineId, held: &str| of == machine && wanted.is_none_or(|wanted| wanted == held);
        let (ended, kept) = std::mem::take(&mut self.all).into_iter().partition(|((of, held), _)| is_meant(*of, held));
        self.all = kept;
        if ended.is_empty() {
            let what = wanted.map_or_else(|| "nothing".to_owned(), |kind| format!("{kind} is not among what"));
            return Err(Refusal::invalid("NOT_OVERRIDDEN", format!("{what} of {name} is overridden")));
        }
        self.tell_ended(ended, &format!("by {actor}"), out);
        Ok(())
    }

    /// The first has expired.
    pub fn due(&mut self, out: &mut Outbox) {
        let now = out.now();
        let (ended, kept) = std::mem::take(&mut self.all).into_iter().partition(|(_, waiver)| waiver.until <= now);
        self.all = kept;
        self.tell_ended(ended, "as its time is over", out);
    }

    fn tell_ended(&self, ended: BTreeMap<(MachineId, &'static str), Waiver>, why: &str, out: &mut Outbox) {
        for ((machine, kind), waiver) in ended {
            let name = &waiver.machine;
            out.changed().machines.insert(machine);
            out.event(
                format!("interlock.{name}.restored"),
                "statemgr",
                Severity::Notice,
                format!("{kind} stands against powering {name} on again, {why}"),
                vec![("machine", name.as_str().into()), ("condition", kind.into())],
            );
        }
        self.arm(out);
    }

    fn arm(&self, out: &mut Outbox) {
        match self.all.values().map(|waiver| waiver.until).min() {
            Some(first) => out.arm(Timer::Waivers, first),
            None => out.cancel(Timer::Waivers),
        }
    }

    /// Somebody should know, as long as it lasts.
    pub fn problems(&self) -> impl Iterator<Item = Problem> + '_ {
        self.all.values().map(|waiver| Problem {
            severity: Severity::Warning,
            obstacle: Obstacle {
                kind: "interlock-overridden",
                subject: format!("machine {}", waiver.machine),
                text: format!(
                    "{} of {} is overridden by {}: {}",
                    waiver.kind, waiver.machine, waiver.actor, waiver.reason
                ),
                remedy: format!("`ubmcctl machines restore-interlock {} {}`", waiver.machine, waiver.kind),
                since: Some(waiver.since),
            },
        })
    }
}

fn known(kind: &str) -> Result<&'static str, Refusal> {
    OVERRIDABLE.into_iter().find(|known| *known == kind).ok_or_else(|| {
        let text = format!("`{kind}` is no condition that can be overridden; these can: {}", OVERRIDABLE.join(", "));
        Refusal::invalid("NOT_OVERRIDABLE", text)
    })
}
