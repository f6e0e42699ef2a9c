//! What LEDs show when nobody holds them: roles follow states. One table, without memory.

use super::{LedRole, Pattern};
use crate::event::Severity;

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

/// What an LED of this role shows, and why.
pub(super) const fn shown(role: LedRole, scene: Scene) -> (Pattern, &'static str) {
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
        // It is lit by whoever looks for the machine, and by nobody else.
        LedRole::Identify => (Pattern::Off, "nobody looks for this machine"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Scene = Scene { chassis_on: Some(Some(true)), bmc: BmcMood::Ready, worst: None };

    #[test]
    fn every_role_shows_its_own_concern_and_no_other() {
        use LedRole::{Fault, Identify, Power, Status};
        let power = |chassis_on| Scene { chassis_on, ..CALM };
        let bmc = |bmc| Scene { bmc, ..CALM };
        let worst = |worst| Scene { worst: Some(worst), ..CALM };
        let table = [
            //                                     power   status        fault         identify
            (CALM, ["on", "on", "off", "off"]),
            (power(None), ["off", "on", "off", "off"]),
            (power(Some(None)), ["blink", "on", "off", "off"]),
            (power(Some(Some(false))), ["off", "on", "off", "off"]),
            (bmc(BmcMood::Busy), ["on", "blink", "off", "off"]),
            (bmc(BmcMood::Broken), ["on", "fast-blink", "off", "off"]),
            (worst(Severity::Debug), ["on", "on", "off", "off"]),
            (worst(Severity::Info), ["on", "on", "off", "off"]),
            (worst(Severity::Notice), ["on", "on", "off", "off"]),
            (worst(Severity::Warning), ["on", "on", "blink", "off"]),
            (worst(Severity::Error), ["on", "on", "on", "off"]),
            (worst(Severity::Critical), ["on", "on", "fast-blink", "off"]),
        ];
        for (scene, expected) in table {
            let found = [Power, Status, Fault, Identify].map(|role| shown(role, scene).0.as_str());
            assert_eq!(found, expected, "{scene:?}");
        }
    }
}
