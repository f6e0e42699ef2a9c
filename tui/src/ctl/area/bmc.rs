//! `ubmcctl bmc`.

use clap::{Subcommand, ValueEnum};

use super::transition::{How, Risk, request, show_machine};
use crate::ctl::{exit::Failure, session::Session};

/// The machine's name.
const BMC: &str = "bmc";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The BMC and what can be asked of it
    Status,
    /// Enters or leaves maintenance
    Maintenance {
        #[arg(value_enum)]
        switch: Switch,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Status => show_machine(session, BMC).await,
            Self::Maintenance { switch: Switch::On, how } => {
                request(session, BMC, "maintenance-on", Risk::Harmless, how).await
            }
            Self::Maintenance { switch: Switch::Off, how } => {
                request(session, BMC, "maintenance-off", Risk::Harmless, how).await
            }
        }
    }
}
