//! `ubmcctl leds`.

use clap::{Subcommand, ValueEnum};
use ubmc_proto::v1::{LedPattern, ListLedsRequest, SetLedRequest, led_service_client::LedServiceClient};

use crate::ctl::{
    cli::seconds,
    exit::Failure,
    object::Led,
    output::{Cell, Paint, Table, duration, left, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All LEDs, what they show and why
    List,
    /// Holds an LED at a pattern; afterwards, or with `auto`, it follows its policy again
    Set {
        name: String,
        #[arg(value_enum)]
        pattern: Pattern,
        /// For how long. Default: until it is given back with `auto`
        #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
        time: Option<f64>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pattern {
    Off,
    On,
    /// 1 Hz
    Blink,
    /// 4 Hz
    FastBlink,
    /// What its policy says
    Auto,
}

impl From<Pattern> for LedPattern {
    fn from(pattern: Pattern) -> Self {
        match pattern {
            Pattern::Off => Self::Off,
            Pattern::On => Self::On,
            Pattern::Blink => Self::Blink,
            Pattern::FastBlink => Self::FastBlink,
            Pattern::Auto => Self::Unspecified,
        }
    }
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let answer = match self {
            Self::List => {
                session
                    .call(|channel| async move { LedServiceClient::new(channel).list_leds(ListLedsRequest {}).await })
                    .await?
            }
            Self::Set { pattern: Pattern::Auto, time: Some(_), .. } => {
                return Err(Failure::Usage("`auto` has no end: leave --for out".to_owned()));
            }
            Self::Set { name, pattern, time } => {
                let request = SetLedRequest {
                    name,
                    pattern: LedPattern::from(pattern).into(),
                    for_s: time.unwrap_or_default(),
                    reason: session.reason.clone(),
                };
                session.call(|channel| async move { LedServiceClient::new(channel).set_led(request).await }).await?
            }
        };
        let leds: Vec<_> = answer.leds.into_iter().map(Led::from).collect();
        session.out.list(&leds, |canvas| table(&leds).draw(canvas))
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
            match &led.error {
                Some(error) => Cell::new(Paint::Bad, format!("it cannot be driven: {error}")),
                None => led.reason.as_deref().unwrap_or_default().into(),
            },
        ]);
    }
    table
}
