//! What LEDs show: roles follow states; identify follows the operator and takes its LED back afterwards.

use std::time::Duration;

use super::{LedRole, LedSpec, Pattern};
use crate::{
    effect::Effect,
    event::Severity,
    ids::LedId,
    input::HardwareCommand,
    outbox::Outbox,
    time::{Mono, human},
    timers::Timer,
    view::LedView,
};

/// What the policy looks at.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::option_option, reason = "not known and on its way are different things")]
pub struct Scene {
    /// Chassis on or off; inner none: on its way. Outer none: there is no chassis, or its state is not known.
    pub chassis_on: Option<Option<bool>>,
    /// BMC state.
    pub bmc: BmcMood,
    /// The worst problem there is.
    pub worst: Option<Severity>,
}

/// How the BMC itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BmcMood {
    /// Working.
    Ready,
    /// On its way there, or in maintenance.
    Busy,
    /// Not working.
    Broken,
}

#[derive(Clone, Debug)]
struct Led {
    spec: LedSpec,
    shown: Option<Pattern>,
    pattern: Pattern,
    reason: &'static str,
}

/// All LEDs of a board.
#[derive(Clone, Debug)]
#[allow(clippy::option_option, reason = "identify is off, on until a moment, or on until told")]
pub struct Leds {
    all: Vec<Led>,
    /// Identify is on, until this moment or until told.
    identify: Option<Option<Mono>>,
}

impl Leds {
    /// Nothing is shown yet.
    pub fn new(specs: &[LedSpec]) -> Self {
        let dark = |spec: &LedSpec| Led { spec: spec.clone(), shown: None, pattern: Pattern::Off, reason: "" };
        Self { all: specs.iter().map(dark).collect(), identify: None }
    }

    /// Somebody switches identify.
    pub fn identify(&mut self, on: bool, duration: Option<Duration>, out: &mut Outbox) {
        let until = duration.map(|duration| out.now() + duration);
        self.identify = on.then_some(until);
        match until.filter(|_| on) {
            Some(until) => out.arm(Timer::Identify, until),
            None => out.cancel(Timer::Identify),
        }
        let text = match (on, duration) {
            (true, Some(duration)) => format!("identify is on for {}", human(duration)),
            (true, None) => "identify is on".to_owned(),
            (false, _) => "identify is off".to_owned(),
        };
        out.event("led.identify".to_owned(), "ledmgr", Severity::Notice, text, vec![("on", on.into())]);
    }

    /// Whatever was shown may not be any more: show it again.
    pub fn forget_shown(&mut self) {
        for led in &mut self.all {
            led.shown = None;
        }
    }

    /// Shows what is to be shown. `driven` tells whether anybody drives LEDs at all.
    pub fn update(&mut self, scene: Scene, driven: bool, out: &mut Outbox) {
        let identify = self.identify.is_some();
        for (index, led) in self.all.iter_mut().enumerate() {
            let (pattern, reason) = policy(led.spec.role, scene, identify);
            if led.pattern != pattern || led.reason != reason {
                led.pattern = pattern;
                led.reason = reason;
                out.changed().system = true;
            }
            if driven && led.shown != Some(pattern) {
                led.shown = Some(pattern);
                out.deed(Effect::Command(HardwareCommand::SetLed(LedId::new(index), pattern)));
            }
        }
    }

    /// An LED was not driven as told; it is told again with the next change.
    pub fn write_failed(&mut self, id: LedId, why: &str, out: &mut Outbox) {
        let name = self.all[id.index()].spec.name.clone();
        out.event(
            format!("led.{name}.write-failed"),
            "ledmgr",
            Severity::Warning,
            format!("LED {name} could not be driven: {why}"),
            Vec::new(),
        );
    }

    /// An LED as it is now.
    pub fn view(&self, id: LedId) -> LedView<'_> {
        let led = &self.all[id.index()];
        LedView {
            spec: &led.spec,
            pattern: led.pattern,
            reason: led.reason,
            until: self.identify.flatten().filter(|_| led.spec.role == LedRole::Identify),
        }
    }
}

fn policy(role: LedRole, scene: Scene, identify: bool) -> (Pattern, &'static str) {
    match role {
        LedRole::Power => match scene.chassis_on {
            None => (Pattern::Off, "the chassis' state is not known"),
            Some(None) => (Pattern::Blink, "the chassis is on its way"),
            Some(Some(true)) => (Pattern::On, "the chassis is on"),
            Some(Some(false)) => (Pattern::Off, "the chassis is off"),
        },
        LedRole::Status => match scene.bmc {
            BmcMood::Ready => (Pattern::On, "the BMC is ready"),
            BmcMood::Busy => (Pattern::Blink, "the BMC is busy"),
            BmcMood::Broken => (Pattern::FastBlink, "the BMC does not work"),
        },
        LedRole::Fault => match scene.worst {
            Some(Severity::Critical) => (Pattern::FastBlink, "something is critical"),
            Some(Severity::Error) => (Pattern::On, "something does not work"),
            Some(Severity::Warning) => (Pattern::Blink, "something wants attention"),
            Some(Severity::Notice | Severity::Info | Severity::Debug) | None => (Pattern::Off, "nothing is wrong"),
        },
        LedRole::Identify if identify => (Pattern::Blink, "somebody looks for this machine"),
        LedRole::Identify => (Pattern::Off, "nobody looks for this machine"),
    }
}
