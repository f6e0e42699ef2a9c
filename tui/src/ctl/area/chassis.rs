//! `ubmcctl chassis`.

use std::str::FromStr;

use clap::Subcommand;
use ubmc_proto::v1::{IdentifyRequest, led_service_client::LedServiceClient};

use super::{
    leds,
    policy::{Choice, policy},
    transition::{How, Maintenance, Risk, maintenance, request, show_machine},
};
use crate::ctl::{cli::seconds, exit::Failure, object::Led, session::Session};

/// The machine's name.
pub(crate) const CHASSIS: &str = "chassis";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The chassis and what can be asked of it
    Status,
    /// Switches the chassis' power on
    On(How),
    /// Shuts every host down, then switches the chassis off
    Off(How),
    /// Switches the chassis off and on again
    Cycle(How),
    /// Cuts all power at once
    EmergencyOff(How),
    /// Shows or chooses what is done with the chassis after the loss of power
    Policy(Choice),
    /// Enters or leaves maintenance
    Maintenance(Maintenance),
    /// Lights the identify LED: for so many seconds, until switched off, or off
    Identify {
        #[arg(value_name = "SECONDS|on|off", default_value = "on")]
        what: Identify,
    },
}

/// What the identify LED shall do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Identify {
    Off,
    On,
    For(f64),
}

impl FromStr for Identify {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            text => seconds(text).map(Self::For),
        }
    }
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Status => show_machine(session, CHASSIS).await,
            Self::On(how) => request(session, CHASSIS, "on", Risk::Harmless, how).await,
            Self::Off(how) => request(session, CHASSIS, "off", Risk::Interrupts, how).await,
            Self::Cycle(how) => request(session, CHASSIS, "cycle", Risk::Interrupts, how).await,
            Self::EmergencyOff(how) => request(session, CHASSIS, "emergency-off", Risk::Interrupts, how).await,
            Self::Policy(choice) => policy(session, CHASSIS, "chassis", choice, None).await,
            Self::Maintenance(wanted) => maintenance(session, CHASSIS, wanted).await,
            Self::Identify { what } => identify(session, what).await,
        }
    }
}

async fn identify(session: &mut Session, what: Identify) -> Result<(), Failure> {
    let (on, for_s) = match what {
        Identify::Off => (false, 0.0),
        Identify::On => (true, 0.0),
        Identify::For(for_s) => (true, for_s),
    };
    let request = IdentifyRequest { on, for_s, reason: session.reason.clone() };
    let answer = session.call(|channel| async move { LedServiceClient::new(channel).identify(request).await }).await?;
    let leds: Vec<_> = answer.leds.into_iter().map(Led::from).filter(|led| led.role == "identify").collect();
    session.out.list(&leds, |canvas| leds::table(&leds).draw(canvas))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identify_takes_a_time_or_a_word() {
        for (text, expected) in [("on", Identify::On), ("off", Identify::Off), ("30", Identify::For(30.0))] {
            assert_eq!(text.parse(), Ok(expected));
        }
        assert!("maybe".parse::<Identify>().is_err());
    }
}
