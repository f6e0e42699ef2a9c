//! `ubmcctl power`: rails and supplies.

use clap::Subcommand;
use ubmc_proto::v1::{ListRailsRequest, ListSuppliesRequest, power_service_client::PowerServiceClient};

use crate::ctl::{
    exit::Failure,
    object::{Rail, Supply},
    output::{Canvas, Cell, Paint, Table, duration, left, measure, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What each rail was told and what it answers
    Rails,
    /// Presence, load and health of the supplies
    Supplies,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Rails => {
                let answer = session
                    .call(
                        |channel| async move { PowerServiceClient::new(channel).list_rails(ListRailsRequest {}).await },
                    )
                    .await?;
                let rails: Vec<_> = answer.rails.into_iter().map(Rail::from).collect();
                session.out.list(&rails, |canvas| rail_text(&rails, canvas))
            }
            Self::Supplies => {
                let answer = session
                    .call(|channel| async move {
                        PowerServiceClient::new(channel).list_supplies(ListSuppliesRequest {}).await
                    })
                    .await?;
                let redundant = answer.redundant;
                let supplies: Vec<_> =
                    answer.supplies.into_iter().map(|supply| Supply::new(supply, redundant)).collect();
                session.out.list(&supplies, |canvas| supply_text(&supplies, redundant, canvas))
            }
        }
    }
}

/// Yes, no or not known; `bad` is the answer that needs attention.
fn answer(value: Option<bool>, bad: Option<bool>) -> Cell {
    let Some(value) = value else { return Cell::maybe(None::<&str>) };
    let paint = if Some(value) == bad { Paint::Bad } else { Paint::Plain };
    Cell::new(paint, if value { "yes" } else { "no" })
}

/// The table, and what is under way.
fn rail_text(rails: &[Rail], canvas: Canvas) -> String {
    let mut under_way: Vec<_> = rails.iter().filter_map(|rail| rail.progress.clone()).collect();
    under_way.dedup();
    rail_table(rails).draw(canvas) + &under_way.join("\n")
}

fn rail_table(rails: &[Rail]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("TOLD"),
            left("POWER-GOOD"),
            right("VOLTAGE"),
            left("SWITCHED BY"),
            left("NEEDS"),
            left("CONTROL SIGNAL"),
            left("GOOD SIGNAL"),
        ],
        "no rails",
    );
    for rail in rails {
        table.row([
            Cell::name(&rail.name),
            Cell::word(if rail.enabled { "on" } else { "off" }),
            // Power where none was asked for is as wrong as none where it was.
            answer(rail.power_good, Some(!rail.enabled)),
            Cell::maybe(rail.voltage.map(|volts| measure(volts, "V"))),
            Cell::maybe(rail.machine.as_ref()),
            Cell::maybe((!rail.requires.is_empty()).then(|| rail.requires.join(", "))),
            Cell::maybe(rail.control_signal.as_ref()),
            Cell::maybe(rail.good_signal.as_ref()),
        ]);
    }
    table
}

fn supply_text(supplies: &[Supply], redundant: bool, canvas: Canvas) -> String {
    let mut table = Table::new(
        [
            left("NAME"),
            left("PRESENT"),
            left("POWER-GOOD"),
            right("LOAD"),
            right("RATED"),
            right("TEMPERATURE"),
            left("HEALTH"),
        ],
        "no supplies",
    );
    for supply in supplies {
        table.row([
            Cell::name(&supply.name),
            answer(supply.present, Some(false)),
            answer(supply.power_good, Some(false)),
            Cell::maybe(supply.power_w.map(|watts| measure(watts, "W"))),
            measure(supply.rated_w, "W").into(),
            Cell::maybe(supply.temperature.map(|celsius| measure(celsius, "°C"))),
            Cell::word(&supply.health),
        ]);
    }
    let records: Vec<_> = supplies
        .iter()
        .filter(|supply| !supply.fault_registers.is_empty())
        .map(|supply| {
            let words = supply.fault_registers.iter().map(|(name, value)| format!("{name} {value:#06x}"));
            let age = supply.fault_age_s.map(|age| format!(" {} ago", duration(age))).unwrap_or_default();
            format!("{} failed{age} with {}\n", supply.name, words.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let said = if redundant {
        "redundant: one supply can carry the present load alone".into()
    } else {
        canvas.paint(Paint::Warn, "not redundant: no supply can carry the present load alone")
    };
    table.draw(canvas) + &records.concat() + &said
}

#[cfg(test)]
mod tests {
    use super::*;
    use ubmc_proto::v1;

    #[test]
    fn a_supply_that_failed_says_with_what_and_how_long_ago() {
        let supply = |fault_age_s| {
            let registers = vec![v1::FaultRegister { name: "STATUS_WORD".into(), value: 0x2 }];
            let wire =
                v1::Supply { name: "psu1".into(), fault_registers: registers, fault_age_s, ..v1::Supply::default() };
            supply_text(&[Supply::new(wire, true)], true, Canvas::PLAIN)
        };
        let told = supply(Some(192.0));
        assert!(told.contains("psu1 failed 3m 12s ago with STATUS_WORD 0x0002\n"), "{told}");
        assert!(supply(None).contains("psu1 failed with STATUS_WORD 0x0002\n"));
    }
}
