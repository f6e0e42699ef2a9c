//! One command's connection to the daemon, and what the user said for all commands.

use std::{future::Future, time::Duration};

use tokio::time::{error::Elapsed, timeout};
use tonic::{Response, Status, transport::Channel};
use ubmc_proto::transport::{Address, ConnectError, connect, default_socket};

use super::{
    cli::Global,
    exit::{Exit, Failure},
    output::{Out, duration},
};

/// How long an answer may take when nobody says otherwise.
const ANSWER: Duration = Duration::from_secs(10);

/// What a command works with.
pub(crate) struct Session {
    pub out: Out,
    /// What the user said with `--timeout`.
    pub timeout: Option<Duration>,
    /// Whether `--yes` was given.
    pub yes: bool,
    /// What the user said with `--reason`; empty when nothing.
    pub reason: String,
    /// A watch is under way: Ctrl-C is its ordinary end.
    pub watching: bool,
    /// What Ctrl-C leaves behind, to be said.
    pub left_behind: Option<String>,
    connect: Option<String>,
    channel: Option<Channel>,
}

impl Session {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            out: Out::new(global.output, global.color()),
            timeout: global.timeout.map(Duration::from_secs_f64),
            yes: global.yes,
            reason: global.reason.clone().unwrap_or_default(),
            watching: false,
            left_behind: None,
            connect: global.connect.clone().filter(|address| !address.is_empty()),
            channel: None,
        }
    }

    /// Begins another command; the connection stays, unless it has to be to somebody else.
    pub(crate) fn begin(&mut self, global: &Global) {
        let fresh = Self::new(global);
        let channel = self.channel.take().filter(|_| self.connect == fresh.connect);
        *self = Self { channel, ..fresh };
    }

    /// Whether nobody has connected yet, or the connection was given up.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.channel.is_none()
    }

    /// Asks the daemon once, connecting first where needed, all within the time that an answer may take.
    pub(crate) async fn call<T, F, R>(&mut self, request: F) -> Result<T, Failure>
    where
        F: FnOnce(Channel) -> R,
        R: Future<Output = Result<Response<T>, Status>>,
    {
        let bound = self.bound();
        let asked = async {
            let channel = self.channel().await?;
            Ok(request(channel).await?.into_inner())
        };
        timeout(bound, asked).await.unwrap_or_else(|Elapsed { .. }| {
            Err(Failure::TimedOut(format!("ubmcd has not answered within {}", duration(bound.as_secs_f64()))))
        })
    }

    /// Forgets a connection that broke; the next call makes a new one.
    pub(crate) fn disconnect(&mut self) {
        self.channel = None;
    }

    /// Ctrl-C came: says what goes on without us, and how the command ended.
    pub(crate) fn interrupted(&mut self) -> Exit {
        self.out.progress("");
        if let Some(text) = self.left_behind.take() {
            self.out.warn(&text);
        }
        if self.watching { Exit::Done } else { Exit::Interrupted }
    }

    fn bound(&self) -> Duration {
        self.timeout.unwrap_or(ANSWER)
    }

    async fn channel(&mut self) -> Result<Channel, Failure> {
        if let Some(channel) = &self.channel {
            return Ok(channel.clone());
        }
        let address = self.address()?;
        let channel = connect(&address, self.bound()).await.map_err(|error| match error {
            ConnectError::NotPermitted(_) => Failure::NotPermitted(error.to_string()),
            ConnectError::Unreachable { .. } | ConnectError::TcpNotYet(_) => Failure::Unreachable(error.to_string()),
        })?;
        Ok(self.channel.insert(channel).clone())
    }

    fn address(&self) -> Result<Address, Failure> {
        if let Some(text) = &self.connect {
            return text.parse().map_err(|error| Failure::Usage(format!("--connect: {error}")));
        }
        default_socket(rustix::process::geteuid().is_root()).map(Address::Unix).ok_or_else(|| {
            Failure::Usage(
                "there is no default socket for this user without XDG_RUNTIME_DIR: say where ubmcd listens with \
                 --connect or UBMC_CONNECT"
                    .to_owned(),
            )
        })
    }
}
