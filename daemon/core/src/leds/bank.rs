//! All LEDs: each follows its policy, unless somebody holds it; then it follows that, for a time, and its policy again
//! afterwards. To identify a machine is to hold its identify LEDs.
//!
//! ```text
//!             set, identify                          refused
//!   policy ──────────────────▶ held          well ─────────────▶ failing ──10 s: told again──▶ on probation
//!     ▲ ▲                       │             ▲                     ▲                            │      │
//!     │ └──── given back ───────┤             │                     └────────── refused ─────────┘      │
//!     └────── its time is over ─┘             └───────────────────────── 5 s without a refusal ─────────┘
//! ```

use std::time::Duration;

use super::{
    LedRole, LedSpec, Pattern,
    policy::{Scene, shown},
};
use crate::{
    effect::Effect,
    event::{Field, Severity},
    ids::{LedId, Name},
    input::HardwareCommand,
    outbox::Outbox,
    refusal::{Obstacle, Refusal},
    time::{Mono, human},
    timers::Timer,
    view::{LedView, Problem},
};

/// Until an LED that could not be driven is told again.
const RETRY: Duration = Duration::from_secs(10);
/// That an LED took what it was told is not reported: it counts as taken when nobody has refused it for so long.
const PROBATION: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
struct Led {
    spec: LedSpec,
    /// What it was told last. None: it is to be told anew.
    shown: Option<Pattern>,
    pattern: Pattern,
    reason: String,
    hold: Option<Hold>,
    driving: Driving,
}

/// Somebody holds an LED.
#[derive(Clone, Debug)]
struct Hold {
    pattern: Pattern,
    /// None: until given back.
    until: Option<Mono>,
    by: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Set,
    Identify,
}

/// Whether it can be driven.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Driving {
    Well,
    Failing { why: String, since: Mono },
    Probation { why: String, since: Mono },
}

/// All LEDs of a board.
#[derive(Clone, Debug)]
pub struct Leds {
    all: Vec<Led>,
}

impl Leds {
    /// Nothing is shown yet.
    pub fn new(specs: &[LedSpec]) -> Self {
        let dark = |spec: &LedSpec| Led {
            spec: spec.clone(),
            shown: None,
            pattern: Pattern::Off,
            reason: String::new(),
            hold: None,
            driving: Driving::Well,
        };
        Self { all: specs.iter().map(dark).collect() }
    }

    /// Somebody switches identify.
    ///
    /// # Errors
    /// The board has no LED for it.
    pub fn identify(
        &mut self,
        on: bool,
        duration: Option<Duration>,
        actor: &str,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let ids: Vec<_> = self.ids().filter(|id| self.all[id.index()].spec.role == LedRole::Identify).collect();
        if ids.is_empty() {
            return Err(Refusal::invalid("NO_IDENTIFY_LED", "this board has no LED of the role `identify`"));
        }
        for id in ids {
            let by = actor.to_owned();
            let hold = on.then(|| Hold {
                pattern: Pattern::Blink,
                until: duration.map(|duration| out.now() + duration),
                by,
                kind: Kind::Identify,
            });
            self.hold(id, hold, out);
        }
        announce_identify(on, duration, out);
        Ok(())
    }

    /// Somebody lets an LED show a pattern, or gives it back (no pattern).
    ///
    /// # Errors
    /// There is no such LED.
    pub fn set(
        &mut self,
        name: &Name,
        pattern: Option<Pattern>,
        duration: Option<Duration>,
        (actor, why): (&str, &str),
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let Some(id) = self.ids().find(|id| self.all[id.index()].spec.name == *name) else {
            return Err(Refusal::unknown("LED", name.as_str(), self.all.iter().map(|led| &led.spec.name)));
        };
        let Some(pattern) = pattern else {
            if self.all[id.index()].hold.is_some() {
                self.hold(id, None, out);
                self.announce_auto(id, Severity::Notice, &format!("given back by {actor}"), out);
            }
            return Ok(());
        };
        let until = duration.map(|duration| out.now() + duration);
        self.hold(id, Some(Hold { pattern, until, by: actor.to_owned(), kind: Kind::Set }), out);
        let time = duration.map_or_else(|| "until it is given back".to_owned(), |time| format!("for {}", human(time)));
        let because = if why.is_empty() { String::new() } else { format!(": {why}") };
        let mut fields: Vec<(&'static str, Field)> =
            vec![("led", name.as_str().into()), ("pattern", pattern.as_str().into()), ("reason", why.into())];
        fields.extend(duration.map(|time| ("for_s", time.as_secs_f64().into())));
        let text = format!("LED {name} is held at {} by {actor} {time}{because}", pattern.as_str());
        out.event(format!("led.{name}.set"), "ledmgr", Severity::Notice, text, fields);
        Ok(())
    }

    /// The time for which an LED was held is over.
    pub fn hold_due(&mut self, id: LedId, out: &mut Outbox) {
        let Some(hold) = self.all.get(id.index()).and_then(|led| led.hold.as_ref()) else { return };
        let kind = hold.kind;
        self.hold(id, None, out);
        match kind {
            Kind::Identify => announce_identify(false, None, out),
            Kind::Set => self.announce_auto(id, Severity::Info, "its time is over", out),
        }
    }

    fn hold(&mut self, id: LedId, hold: Option<Hold>, out: &mut Outbox) {
        match hold.as_ref().and_then(|hold| hold.until) {
            Some(until) => out.arm(Timer::Led(id), until),
            None => out.cancel(Timer::Led(id)),
        }
        self.all[id.index()].hold = hold;
        out.changed().system = true;
    }

    fn announce_auto(&self, id: LedId, severity: Severity, why: &str, out: &mut Outbox) {
        let name = &self.all[id.index()].spec.name;
        let text = format!("LED {name} follows its policy again: {why}");
        out.event(format!("led.{name}.auto"), "ledmgr", severity, text, vec![("led", name.as_str().into())]);
    }

    fn ids(&self) -> impl Iterator<Item = LedId> + use<> {
        (0..self.all.len()).map(LedId::new)
    }

    /// Whatever was shown may not be any more: show it again.
    pub fn forget_shown(&mut self) {
        for led in &mut self.all {
            led.shown = None;
        }
    }

    /// Shows what is to be shown. `driven` tells whether anybody drives LEDs at all.
    pub fn update(&mut self, scene: Scene, driven: bool, out: &mut Outbox) {
        for (index, led) in self.all.iter_mut().enumerate() {
            let (pattern, reason) = match &led.hold {
                Some(Hold { kind: Kind::Identify, by, pattern, .. }) => {
                    (*pattern, format!("{by} looks for this machine"))
                }
                Some(Hold { kind: Kind::Set, by, pattern, .. }) => (*pattern, format!("held by {by}")),
                None => {
                    let (pattern, reason) = shown(led.spec.role, scene);
                    (pattern, reason.to_owned())
                }
            };
            if led.pattern != pattern || led.reason != reason {
                led.pattern = pattern;
                led.reason = reason;
                out.changed().system = true;
            }
            // One that fails is told again in its own time, not with every change.
            if driven && led.shown != Some(pattern) && !matches!(led.driving, Driving::Failing { .. }) {
                led.shown = Some(pattern);
                out.deed(Effect::Command(HardwareCommand::SetLed(LedId::new(index), pattern)));
            }
        }
    }

    /// An LED was not driven as told: that is told once, and the LED is told again after a while.
    pub fn write_failed(&mut self, id: LedId, why: &str, out: &mut Outbox) {
        let Some(led) = self.all.get_mut(id.index()) else { return };
        let since = match &led.driving {
            Driving::Well => {
                let name = &led.spec.name;
                let text = format!("LED {name} could not be driven: {why}");
                let fields = vec![("led", name.as_str().into()), ("reason", why.into())];
                out.event(format!("led.{name}.write-failed"), "ledmgr", Severity::Warning, text, fields);
                out.changed().system = true;
                out.now()
            }
            // Several commands may have been on their way when the first was refused.
            Driving::Failing { .. } => return,
            Driving::Probation { since, .. } => *since,
        };
        led.driving = Driving::Failing { why: why.to_owned(), since };
        led.shown = None;
        out.arm(Timer::LedDriving(id), out.now() + RETRY);
    }

    /// An LED that failed is told again, or has proved that it works.
    pub fn driving_due(&mut self, id: LedId, driven: bool, out: &mut Outbox) {
        let Some(led) = self.all.get_mut(id.index()) else { return };
        led.driving = match std::mem::replace(&mut led.driving, Driving::Well) {
            Driving::Failing { why, since } if driven => {
                led.shown = Some(led.pattern);
                out.deed(Effect::Command(HardwareCommand::SetLed(id, led.pattern)));
                out.arm(Timer::LedDriving(id), out.now() + PROBATION);
                Driving::Probation { why, since }
            }
            Driving::Failing { why, since } => {
                out.arm(Timer::LedDriving(id), out.now() + RETRY);
                Driving::Failing { why, since }
            }
            Driving::Probation { since, .. } => {
                let name = &led.spec.name;
                let length = out.now().since(since);
                let text = format!("LED {name} is driven again after {}", human(length));
                let fields = vec![("led", name.as_str().into()), ("duration_s", length.as_secs_f64().into())];
                out.event(format!("led.{name}.write-restored"), "ledmgr", Severity::Notice, text, fields);
                out.changed().system = true;
                Driving::Well
            }
            Driving::Well => Driving::Well,
        };
    }

    /// What is not as it should be. An LED that stays dark is worth knowing, and degrades nothing.
    pub fn problems(&self) -> Vec<Problem> {
        let failing = self.all.iter().filter_map(|led| {
            let (Driving::Failing { why, since } | Driving::Probation { why, since }) = &led.driving else {
                return None;
            };
            let name = &led.spec.name;
            Some(Problem {
                severity: Severity::Notice,
                obstacle: Obstacle {
                    kind: "led-failed",
                    subject: format!("LED {name}"),
                    text: format!("LED {name} cannot be driven: {why}"),
                    remedy: "look at `ubmcctl resources list`: what drives it, and whether that is there".to_owned(),
                    since: Some(*since),
                },
            })
        });
        failing.collect()
    }

    /// An LED as it is now.
    pub fn view(&self, id: LedId) -> LedView<'_> {
        let led = &self.all[id.index()];
        LedView {
            spec: &led.spec,
            pattern: led.pattern,
            reason: &led.reason,
            held_by: led.hold.as_ref().map(|hold| hold.by.as_str()),
            until: led.hold.as_ref().and_then(|hold| hold.until),
            error: match &led.driving {
                Driving::Well => None,
                Driving::Failing { why, .. } | Driving::Probation { why, .. } => Some(why),
            },
        }
    }
}

fn announce_identify(on: bool, duration: Option<Duration>, out: &mut Outbox) {
    let text = match (on, duration) {
        (true, Some(duration)) => format!("identify is on for {}", human(duration)),
        (true, None) => "identify is on".to_owned(),
        (false, _) => "identify is off".to_owned(),
    };
    out.event("led.identify".to_owned(), "ledmgr", Severity::Notice, text, vec![("on", on.into())]);
}
