//! `ubmcctl fans`.

use clap::Subcommand;
use ubmc_proto::v1::{
    ClearOverrideRequest, ListFansRequest, SetOverrideRequest, thermal_service_client::ThermalServiceClient,
};

use crate::ctl::{
    cli::seconds,
    exit::Failure,
    object::Fan,
    output::{Cell, Table, duration, left, measure, percent, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All fans
    List,
    /// Holds a fan, or every fan of a zone, at a duty for a time; protection still raises it
    Set {
        /// A fan or a zone
        #[arg(value_name = "NAME|ZONE")]
        target: String,
        /// Duty, 0 to 100
        #[arg(value_parser = duty)]
        percent: f64,
        /// For how long
        #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
        time: f64,
    },
    /// Gives a fan or a zone back to its controller
    Auto {
        /// A fan or a zone
        #[arg(value_name = "NAME|ZONE")]
        target: String,
    },
}

fn duty(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(duty) if (0.0..=100.0).contains(&duty) => Ok(duty),
        _ => Err("write a duty from 0 to 100 percent".to_owned()),
    }
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let answer = match self {
            Self::List => {
                session
                    .call(
                        |channel| async move { ThermalServiceClient::new(channel).list_fans(ListFansRequest {}).await },
                    )
                    .await?
            }
            Self::Set { target, percent, time } => {
                let request = SetOverrideRequest { target, duty: percent, for_s: time, reason: session.reason.clone() };
                session
                    .call(|channel| async move { ThermalServiceClient::new(channel).set_override(request).await })
                    .await?
            }
            Self::Auto { target } => {
                let request = ClearOverrideRequest { target, reason: session.reason.clone() };
                session
                    .call(|channel| async move { ThermalServiceClient::new(channel).clear_override(request).await })
                    .await?
            }
        };
        let fans: Vec<_> = answer.fans.into_iter().map(Fan::from).collect();
        session.out.list(&fans, |canvas| table(&fans).draw(canvas))
    }
}

fn table(fans: &[Fan]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("ZONE"),
            right("SPEED"),
            right("EXPECTED").rank(1),
            right("DUTY"),
            left("MODE"),
            right("LEFT").rank(2),
            left("HEALTH"),
            left("WHY"),
        ],
        "no fans",
    );
    for fan in fans {
        table.row([
            Cell::name(&fan.name),
            fan.zone.as_str().into(),
            Cell::maybe(fan.rpm.map(|rpm| measure(rpm, "RPM"))),
            Cell::maybe(fan.expected_rpm.map(|rpm| measure(rpm, "RPM"))),
            percent(fan.duty).into(),
            Cell::word(&fan.mode),
            Cell::maybe(fan.override_left_s.map(duration)),
            Cell::word(&fan.health),
            fan.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duty_is_a_percentage() {
        for (text, expected) in [("0", Some(0.0)), ("80%", Some(80.0)), ("100", Some(100.0)), ("42.5", Some(42.5))] {
            assert_eq!(duty(text).ok(), expected);
        }
        for text in ["-1", "101", "NaN", "fast", ""] {
            assert!(duty(text).is_err(), "{text}");
        }
    }
}
