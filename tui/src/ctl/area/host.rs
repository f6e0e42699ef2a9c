//! `ubmcctl host`.

use clap::Subcommand;
use ubmc_proto::v1::MachineKind;

use super::{
    policy::{Attempts, Choice, policy},
    transition::{How, Risk, machine_page, machine_table, machines, of_kind, request},
};
use crate::ctl::{exit::Failure, session::Session};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All hosts
    List,
    /// One host and what can be asked of it, or all
    Status { name: Option<String> },
    /// Powers a host on
    On(Target),
    /// Asks a host to shut down, then switches it off
    Off(Target),
    /// Switches a host off at once
    ForceOff(Target),
    /// Resets a host at once
    Reset(Target),
    /// Shuts a host down and powers it on again
    Restart(Target),
    /// Switches a host off and on again
    Cycle(Target),
    /// Sends a diagnostic interrupt, at which most systems write a dump and restart
    Nmi(Target),
    /// Shows or chooses what is done with a host after the loss of power
    Policy {
        /// e.g. `host.0`
        name: String,
        #[command(flatten)]
        choice: Choice,
        #[command(flatten)]
        attempts: Attempts,
    },
}

#[derive(clap::Args, Debug)]
pub(crate) struct Target {
    /// e.g. `host.0`
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) how: How,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let (target, asked, risk) = match self {
            Self::List | Self::Status { name: None } => {
                let hosts = machines(session, MachineKind::Host).await?;
                return session.out.list(&hosts, |canvas| machine_table(&hosts).draw(canvas));
            }
            Self::Status { name: Some(name) } => {
                let host = of_kind(session, &name, "host").await?;
                return session.out.one(&host, |canvas| machine_page(&host).draw(canvas));
            }
            Self::Policy { name, choice, attempts } => {
                return policy(session, &name, "host", choice, Some(attempts)).await;
            }
            Self::On(target) => (target, "on", Risk::Harmless),
            Self::Off(target) => (target, "off", Risk::Interrupts),
            Self::ForceOff(target) => (target, "force-off", Risk::Interrupts),
            Self::Reset(target) => (target, "reset", Risk::Interrupts),
            Self::Restart(target) => (target, "restart", Risk::Interrupts),
            Self::Cycle(target) => (target, "cycle", Risk::Interrupts),
            Self::Nmi(target) => (target, "nmi", Risk::Interrupts),
        };
        let host = of_kind(session, &target.name, "host").await?;
        request(session, &host.name, asked, risk, target.how).await
    }
}
