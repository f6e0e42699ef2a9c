//! A deed in words: its title, and what comes of it.

use std::borrow::Cow;

use super::Deed;
use crate::{
    app::ServiceVerb,
    ctl::output::{clock, rfc3339},
    model::{At, LedPattern},
};

/// So many services are named one by one.
const NAMED: usize = 3;

impl Deed {
    /// In two or three words: `force-off host.0`.
    pub fn title(&self) -> String {
        match self {
            Self::Transition { machine, request, .. } => format!("{request} {machine}"),
            Self::Schedule { machine, request, at, .. } => format!("schedule {request} {machine} {}", when(*at)),
            Self::Services { verb, names, force, .. } => {
                let forced = if *force { " by force" } else { "" };
                format!("{} {}{forced}", verb.word(), services(names))
            }
            Self::Reset { service } => format!("reset {service}"),
            Self::Reload => "reload services".to_owned(),
            Self::CancelOperation { id } | Self::CancelSchedule { id } => format!("cancel {id}"),
            Self::Policy { machine, policy, once, attempts } => {
                let once = if *once { " once" } else { "" };
                let policy = if policy.is_empty() { String::new() } else { format!(" {policy}{once}") };
                let attempts = attempts.map(|count| format!(" {}", counted(u64::from(count), "boot attempt")));
                format!("policy of {machine}:{policy}{}", attempts.unwrap_or_default())
            }
            Self::OverrideInterlock { machine, condition, for_s } => {
                format!("override {condition} of {machine} for {}", minutes(*for_s))
            }
            Self::RestoreInterlock { machine, condition } if condition.is_empty() => {
                format!("restore all interlocks of {machine}")
            }
            Self::RestoreInterlock { machine, condition } => format!("restore {condition} of {machine}"),
            Self::Identify { on, for_s } => {
                format!("identify {}{}", if *on { "on" } else { "off" }, for_a_while(*for_s))
            }
            Self::Light { led, pattern, for_s } => {
                format!("{led} {}{}", pattern.map_or("automatic", LedPattern::word), for_a_while(*for_s))
            }
            Self::Hold { target, duty, for_s } => format!("hold {target} at {duty} % for {}", minutes(*for_s)),
            Self::Release { target } => format!("release {target}"),
            Self::Inject { kind, target, value } => {
                let value = value.map(|value| format!(" at {value}")).unwrap_or_default();
                format!("inject {kind} {target}{value}")
            }
            Self::Repair { kind, target } => match (kind.as_str(), target.as_str()) {
                ("", _) => "repair everything".to_owned(),
                (kind, "") => format!("repair every {kind}"),
                (kind, target) => format!("repair {kind} {target}"),
            },
            Self::Surround { name, value } => format!("set {name} to {value}"),
            Self::Plug { on: true } => "start the simulated board".to_owned(),
            Self::Plug { on: false } => "stop the simulated board".to_owned(),
            Self::Shutdown { emergency: false } => "shut ubmcd down".to_owned(),
            Self::Shutdown { emergency: true } => "shut ubmcd down at once".to_owned(),
        }
    }

    /// What comes of it, in a sentence, where the daemon makes no plan for it.
    pub fn consequence(&self) -> String {
        match self {
            Self::Transition { .. } => String::new(),
            Self::Schedule { machine, request, at, .. } => format!(
                "ubmcd will ask {machine} for {request} {}. What stands against it is judged when its time has come.",
                when(*at)
            ),
            Self::Services { verb, names, along, force } => services_consequence(*verb, names, along, *force),
            Self::Reset { service } => {
                format!("ubmcd forgets that {service} failed, and how long it would wait. What runs is not touched.")
            }
            Self::Reload => "ubmcd will go over to the configuration as it is on the disk now.".to_owned(),
            Self::CancelOperation { id } => format!("ubmcd will be asked to end {id} and to undo what it has done."),
            Self::CancelSchedule { id } => format!("{id} will not be done."),
            Self::Policy { machine, policy, once, attempts } => {
                let time = if *once { "The next time only, ubmcd" } else { "From now on ubmcd" };
                let policy = match policy.as_str() {
                    "" => None,
                    "always-on" => Some(format!("{time} powers {machine} on after the loss of power.")),
                    "always-off" => Some(format!("{time} leaves {machine} off after the loss of power.")),
                    "last-state" => Some(format!("{time} brings {machine} back as it was after the loss of power.")),
                    _ => Some(format!("{time} leaves {machine} as it is found after the loss of power.")),
                };
                let attempts = attempts.map(|count| {
                    let boots = counted(u64::from(count), "boot");
                    format!("{boots} of {machine} may fail before ubmcd gives up, this time.")
                });
                policy.into_iter().chain(attempts).collect::<Vec<_>>().join(" ")
            }
            Self::OverrideInterlock { machine, condition, for_s } => format!(
                "{condition} will not stand against powering on {machine} for {}. Protection that powers off is \
                 untouched by it.",
                minutes(*for_s)
            ),
            Self::RestoreInterlock { machine, condition } if condition.is_empty() => {
                format!("Everything that was overridden will stand against powering on {machine} again.")
            }
            Self::RestoreInterlock { machine, condition } => format!(
                "{condition} will stand against powering on {machine} again, as it did before it was overridden."
            ),
            Self::Identify { on: true, for_s } if *for_s > 0.0 => {
                format!("The identify LED will be lit{}.", for_a_while(*for_s))
            }
            Self::Identify { on: true, .. } => "The identify LED will be lit until it is switched off.".to_owned(),
            Self::Identify { on: false, .. } => "The identify LED will be switched off.".to_owned(),
            Self::Light { led, pattern: None, .. } => format!("{led} will follow its policy again."),
            Self::Light { led, for_s, .. } if *for_s > 0.0 => {
                format!("{led} will be held{}, and follow its policy then.", for_a_while(*for_s))
            }
            Self::Light { led, .. } => format!("{led} will be held until it is given back with `auto`."),
            Self::Hold { target, .. } => format!(
                "{target} keeps this duty, whatever its controllers ask for. What protects may still raise it; the hold \
                 goes on after that."
            ),
            Self::Release { target } => format!("{target} follows its controllers again."),
            Self::Inject { kind, target, .. } => {
                format!("The simulated board gets the fault {kind} at {target}, until repaired.")
            }
            Self::Repair { kind, target } => match (kind.as_str(), target.as_str()) {
                ("", _) => "All faults of the simulated board are repaired.".to_owned(),
                (kind, "") => format!("The fault {kind} of the simulated board is repaired wherever it is."),
                (kind, target) => format!("The fault {kind} at {target} of the simulated board is repaired."),
            },
            Self::Surround { name, value } => format!("{name} of the simulated board becomes {value}."),
            Self::Plug { on: true } => "The simulated board runs again.".to_owned(),
            Self::Plug { on: false } => {
                "The simulated board ends, as unplugging it would: hosts lose their power.".to_owned()
            }
            Self::Shutdown { emergency: false } => {
                "ubmcd ends, and with it everything that it supervises, in order.".to_owned()
            }
            Self::Shutdown { emergency: true } => {
                "ubmcd ends, and with it everything that it supervises, without stopping anything gracefully."
                    .to_owned()
            }
        }
    }
}

/// Services by name, where they are few.
pub(super) fn services(names: &[String]) -> Cow<'_, str> {
    match names {
        [] => Cow::Borrowed("all services"),
        [name] => Cow::Borrowed(name),
        few if few.len() <= NAMED => Cow::Owned(few.join(" ")),
        many => Cow::Owned(counted(many.len() as u64, "service")),
    }
}

fn services_consequence(verb: ServiceVerb, names: &[String], along: &[String], force: bool) -> String {
    let which = match names {
        [] if verb == ServiceVerb::Start => "every service that starts by itself".to_owned(),
        [] if verb == ServiceVerb::Restart => "every service that runs".to_owned(),
        [] => "every service".to_owned(),
        names => names.join(", "),
    };
    let skipped = match verb {
        ServiceVerb::Start | ServiceVerb::Restart if force => " What is checked before a start is skipped.",
        _ => "",
    };
    let along = match along {
        // What needs it goes along with what goes down, and with nothing else.
        _ if names.is_empty() || !verb.is_destructive() => String::new(),
        [] if names.len() > 1 => " No other running service needs them.".to_owned(),
        [] => " No running service needs it.".to_owned(),
        along => format!(" With it goes what needs it: {}.", along.join(", ")),
    };
    format!("ubmcd will be asked to {} {which}.{along}{skipped}", verb.word())
}

pub(super) fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A time in words: whole hours or minutes where it is.
pub(in crate::app) fn minutes(seconds: f64) -> String {
    if seconds >= 3_600.0 && seconds % 3_600.0 == 0.0 {
        format!("{} h", seconds / 3_600.0)
    } else if seconds >= 60.0 && seconds % 60.0 == 0.0 {
        format!("{} min", seconds / 60.0)
    } else {
        format!("{seconds} s")
    }
}

fn for_a_while(seconds: f64) -> String {
    if seconds > 0.0 { format!(" for {}", minutes(seconds)) } else { String::new() }
}

fn when(at: At) -> String {
    match at {
        At::Time(at_s) => format!("at {}", clock(rfc3339(at_s).as_ref())),
        At::After(after_s) => format!("in {}", minutes(after_s)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_service_is_spoken_of_only_where_it_goes_along() {
        use ServiceVerb::{Restart, Start, Stop};
        for (verb, names, along, said) in [
            (Start, &["db"][..], &[][..], "ubmcd will be asked to start db."),
            (Start, &["db"], &["web"], "ubmcd will be asked to start db."),
            (Start, &[], &[], "ubmcd will be asked to start every service that starts by itself."),
            (Stop, &["db"], &[], "ubmcd will be asked to stop db. No running service needs it."),
            (Stop, &["db", "web"], &[], "ubmcd will be asked to stop db, web. No other running service needs them."),
            (Stop, &["db"], &["web"], "ubmcd will be asked to stop db. With it goes what needs it: web."),
            (Stop, &[], &[], "ubmcd will be asked to stop every service."),
            (Restart, &["db"], &[], "ubmcd will be asked to restart db. No running service needs it."),
            (Restart, &["db"], &["web"], "ubmcd will be asked to restart db. With it goes what needs it: web."),
        ] {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let deed = Deed::Services { verb, names: owned(names), along: owned(along), force: false };
            assert_eq!(deed.consequence(), said, "{verb:?} {names:?} along {along:?}");
        }
    }
}
