//! The guardian: the process that makes the fans safe when this one dies or hangs.
//!
//! The core is told how it fares, says so in events and in the daemon's status, tells every fan its duty anew after the
//! guardian has had them, and decides what becomes of the fans when the daemon ends in order.
//!
//! ```text
//!                 Watching ◀──────────────┐
//!   (none yet) ─▶    │  Lost              │ Watching
//!                    ▼                    │
//!                 Replacing ── Absent ─▶ Absent       (a problem in both)
//! ```

use std::{collections::BTreeMap, time::Duration};

use crate::{
    core::Core,
    effect::Effect,
    event::{Field, Severity},
    ids::FanId,
    refusal::Obstacle,
    services::supervisor::Phase,
    time::{Mono, human},
    units::Duty,
    view::{GuardianState, GuardianView, Problem},
};

/// How long the fans keep their duties when the daemon ends in order, for the next one to come.
const HOLD: Duration = Duration::from_secs(10);

/// What becomes known of the guardian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guardian {
    /// It watches.
    Watching {
        /// Its process.
        pid: u32,
    },
    /// It has ended, or hangs; another is being made.
    Lost {
        /// One sentence without a full stop.
        why: String,
    },
    /// None can be made; it is tried again.
    Absent {
        /// One sentence without a full stop.
        why: String,
    },
    /// It has taken the fans over: they are at their fail-safe.
    Taken {
        /// Why.
        why: Takeover,
    },
    /// It has given them back.
    Relieved {
        /// Why it had them.
        why: Takeover,
        /// For how long.
        held: Duration,
    },
    /// The loop has just stood still for so long: the fans went to their fail-safe by themselves meanwhile.
    StoodStill(Duration),
}

/// Why the guardian takes the fans over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// Nobody has driven them yet.
    Begin,
    /// The daemon had died.
    Died,
    /// The daemon did not beat.
    Silent,
    /// The daemon lives but does not drive them.
    Undriven,
    /// The last daemon had ended in order, and nobody came in time.
    NoHeir,
}

impl Takeover {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Died => "died",
            Self::Silent => "silent",
            Self::Undriven => "undriven",
            Self::NoHeir => "no-heir",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Begin => "nobody drove them yet",
            Self::Died => "ubmcd had died",
            Self::Silent => "ubmcd hung",
            Self::Undriven => "thermalmgr did not drive them",
            Self::NoHeir => "no ubmcd came in time after the last had ended",
        }
    }
}

/// What is known of the guardian.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guarding {
    /// Absent: there is nothing to guard, or nothing was heard yet.
    known: Option<Known>,
    /// What the fans are cooled by outlasts the daemon, as real hardware does.
    pub(crate) lasting: bool,
    /// The last daemon left the fans in the guardian's hands, and nothing was said of that yet.
    inherits: bool,
    /// What was decided for the end last.
    hold: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Known {
    state: GuardianState,
    pid: Option<u32>,
    since: Mono,
    why: String,
}

impl Core {
    /// Before the start: the hardware outlasts the daemon, as all but a simulated board does.
    pub fn outlasted(&mut self) {
        self.guarding.lasting = true;
    }

    /// Before the start: the last daemon ended in order and left fans at these duties, which a guardian has held since.
    pub fn inherit(&mut self, held: &BTreeMap<FanId, Duty>) {
        self.guarding.inherits = !held.is_empty();
        self.thermal.inherit(held);
    }

    /// The guardian as it is now. Absent: there is nothing to guard.
    pub fn guardian(&self) -> Option<GuardianView<'_>> {
        let known = self.guarding.known.as_ref()?;
        Some(GuardianView { state: known.state, pid: known.pid, since: known.since, why: &known.why })
    }

    pub(crate) fn guardian_told(&mut self, news: &Guardian) {
        if matches!(news, Guardian::StoodStill(_)) && self.is_guarded() {
            // The guardian had them as well, and tells more.
            return;
        }
        self.out.new_cause("");
        let now = self.out.now();
        let mut pid = self.guarding.known.as_ref().and_then(|known| known.pid);
        let (subject, severity, text, fields): (_, _, _, Vec<(&'static str, Field)>) = match news {
            Guardian::Watching { pid: new } => {
                pid = Some(*new);
                let inherits = std::mem::take(&mut self.guarding.inherits);
                let held = if inherits { ", which it has held as the last ubmcd left them" } else { "" };
                let text = format!("the guardian (process {new}) watches over the fans{held}");
                let fields = vec![("pid", f64::from(*new).into()), ("handed_over", inherits.into())];
                ("watching", Severity::Info, text, fields)
            }
            Guardian::Lost { why } => {
                pid = None;
                ("lost", Severity::Warning, format!("{why}; another is made"), vec![("reason", why.as_str().into())])
            }
            Guardian::Absent { why } => {
                pid = None;
                let text = format!("the fans are not guarded: {why}");
                ("absent", Severity::Error, text, vec![("reason", why.as_str().into())])
            }
            Guardian::Taken { why } => {
                let severity = if *why == Takeover::Begin { Severity::Debug } else { Severity::Warning };
                let text = format!("the guardian has the fans at their fail-safe: {}", why.text());
                ("in-charge", severity, text, vec![("reason", why.as_str().into())])
            }
            Guardian::Relieved { why, held } => {
                let severity = if *why == Takeover::Begin { Severity::Debug } else { Severity::Notice };
                let text = format!(
                    "the guardian has given the fans back; it had them at their fail-safe for {}, because {}",
                    human(*held),
                    why.text()
                );
                let fields = vec![("reason", why.as_str().into()), ("held_s", held.as_secs_f64().into())];
                ("relieved", severity, text, fields)
            }
            Guardian::StoodStill(held) => {
                let text = format!(
                    "ubmcd stood still for {}; its fans went to their fail-safe by themselves, for no guardian was there",
                    human(*held)
                );
                ("stood-still", Severity::Warning, text, vec![("held_s", held.as_secs_f64().into())])
            }
        };
        let is_now = match news {
            Guardian::Watching { .. } | Guardian::Relieved { .. } => Some((GuardianState::Watching, "")),
            Guardian::Lost { why } => Some((GuardianState::Replacing, why.as_str())),
            Guardian::Absent { why } => Some((GuardianState::Absent, why.as_str())),
            Guardian::Taken { why } => Some((GuardianState::InCharge, why.text())),
            Guardian::StoodStill(_) => None,
        };
        if let Some((state, why)) = is_now {
            self.guarding.known = Some(Known { state, pid, since: now, why: why.to_owned() });
        }
        self.out.event(format!("guardian.{subject}"), "guardian", severity, text, fields);
        self.out.changed().system = true;
        match news {
            Guardian::Relieved { .. } | Guardian::StoodStill(_) => {
                // What they were told before does not hold any more.
                self.thermal.forget_told();
                self.evaluate_zones(false);
            }
            Guardian::Watching { .. } | Guardian::Lost { .. } | Guardian::Absent { .. } | Guardian::Taken { .. } => {}
        }
        if let Phase::Stopping { emergency, .. } = self.supervisor.phase() {
            self.leave_fans(emergency);
        }
    }

    /// What becomes of the fans when the daemon ends: said before the end begins, and whenever that changes until then.
    pub(crate) fn leave_fans(&mut self, emergency: bool) {
        let guarded = self.is_guarded();
        // An emergency leaves nothing to an heir, and a simulated board that ends with us has none.
        let hold = (guarded && self.guarding.lasting && !emergency).then_some(HOLD);
        if hold != self.guarding.hold {
            self.guarding.hold = hold;
            self.out.deed(Effect::HoldFans(hold));
        }
    }

    /// The daemon leaves, and its heir finds the fans as they are: for the moments until then what is known stays known,
    /// although those who know it are stopped already.
    pub(crate) fn hands_over(&self) -> bool {
        self.guarding.hold.is_some() && self.supervisor.phase().is_stopping()
    }

    fn is_guarded(&self) -> bool {
        let state = self.guarding.known.as_ref().map(|known| known.state);
        matches!(state, Some(GuardianState::Watching | GuardianState::InCharge))
    }

    pub(crate) fn guardian_problem(&self) -> Option<Problem> {
        let known = self.guarding.known.as_ref()?;
        let (severity, kind, text) = match known.state {
            GuardianState::Watching => return None,
            GuardianState::InCharge if known.why == Takeover::Begin.text() => return None,
            GuardianState::InCharge => {
                let text = format!("the guardian has the fans at their fail-safe: {}", known.why);
                (Severity::Warning, "guardian-in-charge", text)
            }
            GuardianState::Replacing => {
                (Severity::Warning, "fans-not-guarded", format!("{}; another is made", known.why))
            }
            GuardianState::Absent => {
                (Severity::Error, "fans-not-guarded", format!("the fans are not guarded: {}", known.why))
            }
        };
        let remedy = match known.state {
            GuardianState::InCharge => "look at `ubmcctl services status thermalmgr`",
            GuardianState::Watching | GuardianState::Replacing | GuardianState::Absent => {
                "it is tried again and again; look at guardian.log in the state directory"
            }
        };
        let obstacle = Obstacle {
            kind,
            subject: "guardian".to_owned(),
            text,
            remedy: remedy.to_owned(),
            since: Some(known.since),
        };
        Some(Problem { severity, obstacle })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        board::Board,
        effect::Effects,
        ids::RequestId,
        input::{Asked, Input, Request},
    };

    fn core() -> Core {
        let mut core = Core::new(Board::default(), 1).unwrap();
        core.start(Mono::ZERO);
        core
    }

    fn told(core: &mut Core, news: Guardian) -> Effects {
        core.handle(Mono::from_millis(1000), Input::Guardian(news))
    }

    fn kinds(core: &Core) -> Vec<&'static str> {
        core.problems().iter().map(|problem| problem.obstacle.kind).collect()
    }

    const WATCHING: Guardian = Guardian::Watching { pid: 7 };

    #[test]
    fn what_is_wrong_with_the_guardian_is_a_problem_until_it_is_mended() {
        let why = || "it has ended".to_owned();
        let mut core = core();
        assert_eq!((core.guardian(), kinds(&core).len()), (None, 0), "nothing to guard");
        for (news, state, problem) in [
            (WATCHING, GuardianState::Watching, None),
            (Guardian::Lost { why: why() }, GuardianState::Replacing, Some("fans-not-guarded")),
            (Guardian::Absent { why: why() }, GuardianState::Absent, Some("fans-not-guarded")),
            (WATCHING, GuardianState::Watching, None),
            (Guardian::Taken { why: Takeover::Begin }, GuardianState::InCharge, None),
            (Guardian::Taken { why: Takeover::Undriven }, GuardianState::InCharge, Some("guardian-in-charge")),
            (
                Guardian::Relieved { why: Takeover::Undriven, held: Duration::from_secs(3) },
                GuardianState::Watching,
                None,
            ),
        ] {
            let effects = told(&mut core, news.clone());
            assert_eq!(effects.events.len(), 1, "{news:?}");
            assert_eq!(effects.events[0].source, "guardian");
            let view = core.guardian().unwrap();
            assert_eq!(view.state, state, "{news:?}");
            assert_eq!(view.pid.is_some(), !matches!(state, GuardianState::Replacing | GuardianState::Absent));
            assert_eq!(kinds(&core), problem.into_iter().collect::<Vec<_>>(), "{news:?}");
        }
    }

    #[test]
    fn a_loop_that_stood_still_says_so_where_no_guardian_does() {
        let still = || Guardian::StoodStill(Duration::from_secs(2));
        let mut core = core();
        assert_eq!(told(&mut core, still()).events[0].subject, "guardian.stood-still");
        told(&mut core, WATCHING);
        assert!(told(&mut core, still()).events.is_empty());
    }

    #[test]
    fn the_fans_are_held_for_an_heir_only_where_there_can_be_one_and_somebody_holds_them() {
        let lost = || Guardian::Lost { why: "it has ended".to_owned() };
        for (lasting, news, emergency, held) in [
            (true, Some(WATCHING), false, true),
            (false, Some(WATCHING), false, false),
            (true, None, false, false),
            (true, Some(lost()), false, false),
            (true, Some(WATCHING), true, false),
        ] {
            let mut core = core();
            if lasting {
                core.outlasted();
            }
            if let Some(news) = news.clone() {
                told(&mut core, news);
            }
            let asked = Asked {
                id: RequestId(1),
                actor: "tester".to_owned(),
                reason: String::new(),
                request: Request::Shutdown { emergency },
            };
            let deeds = core.handle(Mono::from_millis(2000), Input::Asked(asked)).deeds;
            let said = deeds.iter().position(|deed| *deed == Effect::HoldFans(Some(HOLD)));
            let over = deeds.iter().position(|deed| *deed == Effect::Exit(crate::board::Ending::Over));
            assert_eq!(said.is_some(), held, "{lasting} {news:?} {emergency}: {deeds:?}");
            assert!(said.is_none() || said < over, "before anything ends");
        }
    }
}
