//! `ubmcctl leds`.

use clap::Subcommand;
use ubmc_proto::v1::{ListLedsRequest, led_service_client::LedServiceClient};

use crate::ctl::{
    exit::Failure,
    object::Led,
    output::{Cell, Table, duration, left, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All LEDs, what they show and why
    List,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let answer = session
                    .call(|channel| async move { LedServiceClient::new(channel).list_leds(ListLedsRequest {}).await })
                    .await?;
                let leds: Vec<_> = answer.leds.into_iter().map(Led::from).collect();
                session.out.list(&leds, |canvas| table(&leds).draw(canvas))
            }
        }
    }
}

pub(crate) fn table(leds: &[Led]) -> Table {
    let mut table = Table::new([left("NAME"), left("ROLE"), left("SHOWS"), right("LEFT"), left("WHY")], "no LEDs");
    for led in leds {
        table.row([
            Cell::name(&led.name),
            led.role.as_str().into(),
            led.pattern.as_str().into(),
            Cell::maybe(led.left_s.map(duration)),
            led.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}
