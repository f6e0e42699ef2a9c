//! `ubmcctl boot`: how the platform came up, and what decided how long it took.

mod path;
mod timeline;

use clap::Subcommand;
use ubmc_proto::v1::{GetBootTimelineRequest, system_service_client::SystemServiceClient};

use super::why::now;
use crate::ctl::{
    exit::Failure,
    object::{Boot, CriticalPath},
    output::duration,
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every service's start as a bar: what it waited, and what it took itself
    Timeline,
    /// The chain that decided how long the start took, first to last
    CriticalPath,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let boot = boot(session).await?;
        match self {
            Self::Timeline => session.out.one(&boot, |canvas| timeline::draw(&boot, canvas)),
            Self::CriticalPath => {
                let path = CriticalPath::from(boot);
                session.out.one(&path, |canvas| path::draw(&path, canvas))
            }
        }
    }
}

async fn boot(session: &mut Session) -> Result<Boot, Failure> {
    let wire =
        session
            .call(|channel| async move {
                SystemServiceClient::new(channel).get_boot_timeline(GetBootTimelineRequest {}).await
            })
            .await?;
    let now = if wire.ended_s.is_none() { now(session).await } else { None };
    Ok(Boot::new(wire, now))
}

/// How far it is, in a few words.
fn verdict(ended: bool, timed_out: bool, elapsed_s: f64) -> String {
    let elapsed = duration(elapsed_s);
    match (ended, timed_out) {
        (false, _) => format!("starting for {elapsed}"),
        (true, false) => format!("started in {elapsed}"),
        (true, true) => format!("not everything was up after {elapsed}"),
    }
}
