//! `ubmcctl zones`: what drives the fans.

use clap::Subcommand;
use ubmc_proto::v1::{GetZoneRequest, ListZonesRequest, thermal_service_client::ThermalServiceClient};

use crate::ctl::{
    exit::Failure,
    object::{Term, Trip, Zone, ZoneExplained},
    output::{Cell, Page, Table, duration, left, measure, percent, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All zones
    List,
    /// Why a zone's fans turn as they do: every controller, term and clamp
    Explain { name: String },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let answer =
                    session
                        .call(|channel| async move {
                            ThermalServiceClient::new(channel).list_zones(ListZonesRequest {}).await
                        })
                        .await?;
                let zones: Vec<_> = answer.zones.into_iter().map(Zone::from).collect();
                session.out.list(&zones, |canvas| table(&zones).draw(canvas))
            }
            Self::Explain { name } => {
                let request = GetZoneRequest { name };
                let zone: ZoneExplained = session
                    .call(|channel| async move { ThermalServiceClient::new(channel).get_zone(request).await })
                    .await?
                    .into();
                session.out.one(&zone, |canvas| page(&zone).draw(canvas))
            }
        }
    }
}

fn table(zones: &[Zone]) -> Table {
    let mut table = Table::new(
        [left("NAME"), left("STATE"), right("FOR"), right("DUTY"), right("SENSORS"), right("FANS"), left("DRIVEN BY")],
        "no zones",
    );
    for zone in zones {
        table.row([
            Cell::name(&zone.name),
            Cell::word(&zone.state),
            duration(zone.state_age_s).into(),
            percent(zone.duty).into(),
            zone.sensors.len().to_string().into(),
            zone.fans.len().to_string().into(),
            zone.driver.as_str().into(),
        ]);
    }
    table
}

fn page(explained: &ZoneExplained) -> Page {
    let zone = &explained.zone;
    let mut page = Page::new([Cell::name(&zone.name), Cell::word(&zone.state), percent(zone.duty).into()]);
    page.maybe("why", zone.reason.clone())
        .fact("driven by", zone.driver.as_str())
        .fact("in this state", format!("for {}", duration(zone.state_age_s)))
        .fact(
            "bounds",
            format!(
                "floor {}, ceiling {}, fail-safe {}",
                percent(explained.floor),
                percent(explained.ceiling),
                percent(explained.failsafe_duty)
            ),
        )
        .fact("sensors", zone.sensors.join(", "))
        .fact("fans", zone.fans.join(", "));
    if explained.fans_needed > 0 {
        page.fact("fans needed", explained.fans_needed.to_string());
    }
    if let Some(trip) = explained.trip.clone() {
        page.section("AT THE TRIP", move |canvas| at_the_trip(&trip).draw(canvas));
    }
    if !explained.controllers.is_empty() {
        let explained = explained.clone();
        page.section("CONTROLLERS", move |canvas| controllers(&explained).draw(canvas));
    }
    if !explained.terms.is_empty() {
        let terms = explained.terms.clone();
        page.section("HOW THE DUTY CAME ABOUT", move |canvas| {
            let mut table = Table::new([left("  STEP"), right("GIVES")], "");
            for term in &terms {
                table.row([format!("  {}", term.name).into(), value(term).into()]);
            }
            table.draw(canvas)
        });
    }
    page
}

/// Every part and every fan as they were when the zone tripped.
fn at_the_trip(trip: &Trip) -> Table {
    let mut table =
        Table::new([left("  PART"), right("VALUE"), left("QUALITY"), right("AT WORST"), right("LIMIT")], "");
    for part in &trip.parts {
        let value = |value: Option<f64>| Cell::maybe(value.map(|value| measure(value, &part.unit)));
        table.row([
            format!("  {}", part.sensor).into(),
            value(part.value),
            Cell::word(&part.quality),
            value(part.worst_case),
            value(part.limit),
        ]);
    }
    for fan in &trip.fans {
        table.row([
            format!("  {}", fan.name).into(),
            Cell::maybe(fan.rpm.map(|rpm| measure(rpm, "RPM"))),
            format!("at {}", percent(fan.duty)).into(),
            "".into(),
            "".into(),
        ]);
    }
    table
}

/// Each controller with its input and output, its terms below it.
fn controllers(explained: &ZoneExplained) -> Table {
    let mut table = Table::new(
        [left("  NAME"), left("KIND"), right("INPUT"), right("SET-POINT"), right("OUTPUT"), left("SENSORS")],
        "",
    );
    for controller in &explained.controllers {
        let own = |value: Option<f64>| Cell::maybe(value.map(|value| measure(value, &controller.input_unit)));
        table.row([
            Cell::name(&format!("  {}", controller.name)),
            controller.kind.as_str().into(),
            own(controller.input),
            own(controller.set_point),
            Cell::maybe(controller.output.map(percent)),
            controller.sensors.join(", ").into(),
        ]);
        for term in &controller.terms {
            let blank = || Cell::from("");
            table.row([format!("    {}", term.name).into(), blank(), blank(), blank(), value(term).into(), blank()]);
        }
    }
    table
}

fn value(term: &Term) -> String {
    if term.unit == "%" { percent(term.value) } else { measure(term.value, &term.unit) }
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;
    use crate::ctl::output::Canvas;

    #[test]
    fn an_explanation_goes_from_controllers_to_the_duty() {
        let term = |name: &str, value| v1::Term { name: name.into(), value, unit: "%".into() };
        let wire = v1::Zone {
            name: "cpu".into(),
            state: v1::ZoneState::Controlled.into(),
            duty: 42.0,
            driver: "host0_cpu_temp via cpu-curve".into(),
            sensors: vec!["host0_cpu_temp".into()],
            fans: vec!["fan.0".into(), "fan.1".into()],
            controllers: vec![v1::Controller {
                name: "cpu-curve".into(),
                kind: "linear".into(),
                sensors: vec!["host0_cpu_temp".into()],
                input: Some(61.0),
                output: Some(42.0),
                terms: vec![term("curve", 42.0)],
                input_unit: "°C".into(),
                ..v1::Controller::default()
            }],
            floor: 25.0,
            ceiling: 100.0,
            failsafe_duty: 80.0,
            reason: "the hottest processor asks for it".into(),
            terms: vec![term("cpu-curve", 42.0), term("floor 25", 42.0)],
            state_age_s: 192.0,
            ..v1::Zone::default()
        };
        assert_eq!(
            page(&wire.into()).draw(Canvas::PLAIN),
            "\
cpu · controlled · 42 %
  why            the hottest processor asks for it
  driven by      host0_cpu_temp via cpu-curve
  in this state  for 3m 12s
  bounds         floor 25 %, ceiling 100 %, fail-safe 80 %
  sensors        host0_cpu_temp
  fans           fan.0, fan.1

CONTROLLERS
  NAME       KIND      INPUT  SET-POINT  OUTPUT  SENSORS
  cpu-curve  linear  61.0 °C          -    42 %  host0_cpu_temp
    curve                                  42 %

HOW THE DUTY CAME ABOUT
  STEP       GIVES
  cpu-curve   42 %
  floor 25    42 %
"
        );
    }

    #[test]
    fn a_tripped_zone_shows_what_everything_was_at() {
        let part = v1::TripPart {
            sensor: "host0_cpu_temp".into(),
            unit: "°C".into(),
            value: Some(78.0),
            quality: v1::Quality::Stale.into(),
            worst_case: Some(105.0),
            limit: Some(105.0),
        };
        let trip = v1::Trip {
            why: "host0_cpu_temp has been silent for 54 s".into(),
            age_s: 3.0,
            parts: vec![part],
            fans: vec![v1::TripFan { name: "fan.0".into(), rpm: Some(11990.0), duty: 100.0 }],
        };
        assert_eq!(
            at_the_trip(&trip.into()).draw(Canvas::PLAIN),
            "\
\x20 PART                VALUE  QUALITY   AT WORST     LIMIT
  host0_cpu_temp    78.0 °C  stale     105.0 °C  105.0 °C
  fan.0           11990 RPM  at 100 %
"
        );
    }
}
