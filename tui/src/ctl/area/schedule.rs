//! `ubmcctl schedule`: requests that wait for their time. They are made with `--at` of the request itself.

use std::str::FromStr;

use clap::Subcommand;
use ubmc_proto::v1::{
    CancelScheduleRequest, ListSchedulesRequest, ScheduleTransitionRequest, state_service_client::StateServiceClient,
};

use crate::ctl::{
    cli::seconds,
    exit::Failure,
    object::Schedule,
    output::{Canvas, Cell, Table, clock, duration, left, plain_text, right, unix_seconds},
    session::Session,
};
pub(crate) use crate::model::At;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Requests that wait for their time
    List,
    /// Takes one back
    Cancel {
        /// e.g. `at-3`
        id: String,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let call = |channel| async move {
                    StateServiceClient::new(channel).list_schedules(ListSchedulesRequest {}).await
                };
                let answer = session.call(call).await?;
                let schedules: Vec<_> = answer.schedules.into_iter().map(Schedule::from).collect();
                session.out.list(&schedules, |canvas| table(&schedules).draw(canvas))
            }
            Self::Cancel { id } => {
                let request = CancelScheduleRequest { id, reason: session.reason.clone() };
                session
                    .call(|channel| async move { StateServiceClient::new(channel).cancel_schedule(request).await })
                    .await?;
                Ok(())
            }
        }
    }
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('+') {
            Some(after) => seconds(after).map(Self::After),
            None => unix_seconds(text).map(Self::Time).ok_or_else(|| {
                "write a time like 2026-12-01T06:00:00Z or 2026-12-01T06:00:00+01:00, or one from now like +10m"
                    .to_owned()
            }),
        }
    }
}

/// Asks for a transition at a time.
pub(crate) async fn schedule(session: &mut Session, machine: &str, request: &str, at: At) -> Result<(), Failure> {
    let (at_s, after_s) = match at {
        At::Time(at_s) => (at_s, 0.0),
        At::After(after_s) => (0.0, after_s),
    };
    let wire = ScheduleTransitionRequest {
        machine: machine.to_owned(),
        request: request.to_owned(),
        reason: session.reason.clone(),
        at_s,
        after_s,
    };
    let call = |channel| async move { StateServiceClient::new(channel).schedule_transition(wire).await };
    let schedule = Schedule::from(session.call(call).await?);
    session.out.one(&schedule, |canvas| line(&schedule, canvas))
}

fn line(schedule: &Schedule, _: Canvas) -> String {
    format!(
        "{} {} {} at {}, in {}",
        schedule.id,
        plain_text(&schedule.machine),
        schedule.request,
        clock(schedule.at.as_ref()),
        duration(schedule.in_s)
    )
}

fn table(schedules: &[Schedule]) -> Table {
    let mut table = Table::new(
        [left("ID"), left("WHAT"), left("AT"), right("IN"), left("ASKED BY").rank(1), left("WHY")],
        "nothing is scheduled",
    );
    for schedule in schedules {
        let why = schedule.held_by.as_ref().or(schedule.reason.as_ref());
        table.row([
            Cell::name(&schedule.id),
            format!("{} {}", schedule.machine, schedule.request).into(),
            clock(schedule.at.as_ref()).into(),
            duration(schedule.in_s).into(),
            schedule.requested_by.as_str().into(),
            why.map_or("", String::as_str).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_a_while_from_now() {
        for (text, expected) in [
            ("2026-11-20T23:08:51Z", At::Time(1_795_216_131.0)),
            ("2026-11-21t00:08:51.5+01:00", At::Time(1_795_216_131.5)),
            ("1970-01-01 00:00:01Z", At::Time(1.0)),
            ("+10m", At::After(600.0)),
            ("+90", At::After(90.0)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "10m",
            "+",
            "+0",
            "noon",
            "2026-11-20",
            "2026-13-20T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T23:08:51",
            "2026-11-20T23:08:51+1",
            "\u{e9}026-11-20T23:08:51Z",
        ] {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
    }

    #[test]
    fn schedules_are_listed_with_what_holds_them_up() {
        let one = Schedule {
            id: "at-3".to_owned(),
            machine: "host.0".to_owned(),
            request: "on".to_owned(),
            at: Some("2026-11-20T23:08:51.000Z".to_owned()),
            in_s: 600.0,
            requested_by: "uid 0 (root)".to_owned(),
            reason: Some("morning".to_owned()),
            held_by: None,
        };
        assert_eq!(
            table(&[one]).draw(Canvas::PLAIN),
            "\
ID    WHAT       AT                         IN  ASKED BY      WHY
at-3  host.0 on  2026-11-20T23:08:51Z  10m 00s  uid 0 (root)  morning
"
        );
    }
}
