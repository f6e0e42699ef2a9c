//! `ubmcctl host policy`, `ubmcctl chassis policy`: how a machine comes back after the loss of power.

use ubmc_proto::v1::{SetRestorePolicyRequest, state_service_client::StateServiceClient};

use super::transition::of_kind;
use crate::ctl::{
    exit::Failure,
    object::{Machine, Restoration},
    output::{Cell, Page, Paint, duration},
    session::Session,
};

/// What is chosen; nothing: it is shown.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Choice {
    /// What is done when it is found off after the BMC has booted. Absent: shows what holds
    #[arg(value_enum)]
    pub(crate) value: Option<Value>,
    /// For the next time only
    #[arg(long, requires = "value")]
    pub(crate) once: bool,
}

/// How often a boot may fail.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Attempts {
    /// So many attempts for the boot that goes on or is asked for next, instead of the board's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) boot_attempts: Option<u32>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Value {
    /// Power it on
    AlwaysOn,
    /// Leave it off
    AlwaysOff,
    /// As it was asked to be, or as it was
    LastState,
    /// Leave it as it is found
    None,
}

impl Value {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AlwaysOn => "always-on",
            Self::AlwaysOff => "always-off",
            Self::LastState => "last-state",
            Self::None => "none",
        }
    }
}

/// Chooses, and shows what holds then.
pub(crate) async fn policy(
    session: &mut Session,
    name: &str,
    kind: &str,
    choice: Choice,
    attempts: Option<Attempts>,
) -> Result<(), Failure> {
    let mut machine = of_kind(session, name, kind).await?;
    let boot_attempts = attempts.and_then(|attempts| attempts.boot_attempts);
    if choice.value.is_some() || boot_attempts.is_some() {
        let request = SetRestorePolicyRequest {
            machine: machine.name,
            policy: choice.value.map_or("", Value::as_str).to_owned(),
            once: choice.once,
            boot_attempts,
            reason: session.reason.clone(),
        };
        let call = |channel| async move { StateServiceClient::new(channel).set_restore_policy(request).await };
        machine = session.call(call).await?.into();
    }
    session.out.one(&machine, |canvas| page(&machine).draw(canvas))
}

fn page(machine: &Machine) -> Page {
    let mut page = Page::new([Cell::name(&machine.name), Cell::word(&machine.state)]);
    if let Some(restoration) = &machine.restoration {
        facts(&mut page, restoration);
    }
    page
}

/// How it comes back, for a machine's page.
pub(crate) fn facts(page: &mut Page, restoration: &Restoration) {
    let by = if restoration.chosen { "chosen by an operator" } else { "by the board" };
    let delay = if restoration.delay_s > 0.0 {
        format!(", {} after the BMC is ready", duration(restoration.delay_s))
    } else {
        String::new()
    };
    page.fact("after power loss", format!("{}, {by}{delay}", restoration.policy))
        .maybe("next time only", restoration.once.clone());
    if restoration.restoring || restoration.next_try_s.is_some() {
        let next = restoration.next_try_s.map_or_else(String::new, |next| format!(", next try in {}", duration(next)));
        let held_by = restoration.held_by.as_ref().map_or_else(String::new, |held_by| format!(": {held_by}"));
        let what = if restoration.restoring { "to be powered on again" } else { "to be reset" };
        page.fact("by policy", Cell::new(Paint::Warn, format!("{what}{next}{held_by}")));
    }
    if let (Some(left), Some(all)) = (restoration.boot_attempts_left, restoration.boot_attempts) {
        let text = format!("{left} of {all} left");
        page.fact(
            "boot attempts",
            if restoration.given_up {
                Cell::new(Paint::Bad, format!("used up; nothing is tried until somebody asks ({text} then)"))
            } else {
                text.into()
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::output::Canvas;

    #[test]
    fn what_holds_is_shown_with_what_is_still_to_be_done() {
        let restoration = Restoration {
            policy: "last-state".to_owned(),
            chosen: true,
            once: Some("always-off".to_owned()),
            delay_s: 30.0,
            restoring: true,
            next_try_s: Some(8.0),
            held_by: Some("host.0 needs chassis, which is off".to_owned()),
            boot_attempts_left: Some(2),
            boot_attempts: Some(3),
            given_up: false,
        };
        let mut page = Page::new([Cell::name("host.0")]);
        facts(&mut page, &restoration);
        assert_eq!(
            page.draw(Canvas::PLAIN),
            "\
host.0
  after power loss  last-state, chosen by an operator, 30s after the BMC is ready
  next time only    always-off
  by policy         to be powered on again, next try in 8.0s: host.0 needs chassis, which is off
  boot attempts     2 of 3 left
"
        );
    }
}
