//! What supervises us: signals it sends, and what we tell it (`NOTIFY_SOCKET`).

use std::{
    env,
    ffi::OsString,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};
use ubmc_core::{input::Request, view::SystemState};

use super::{Handle, NotDone};

/// The signals that mean something to us.
#[derive(Debug)]
pub struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// From here on these signals no longer end the process by themselves.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// Turns signals into requests until the loop ends: the first TERM or INT into an ordered shutdown, a further one
    /// into an emergency.
    pub async fn serve(mut self, handle: Handle) {
        let mut asked = false;
        loop {
            let name = tokio::select! {
                _ = self.term.recv() => "SIGTERM",
                _ = self.int.recv() => "SIGINT",
                _ = self.hup.recv() => {
                    warn!("SIGHUP: this version cannot reload its configuration; nothing was changed. Restart ubmcd.");
                    continue;
                }
            };
            let shutdown = Request::Shutdown { emergency: asked };
            info!("{name}: {}", if asked { "emergency shutdown" } else { "shutting down in order" });
            asked = true;
            match handle.ask(format!("signal {name}"), String::new(), shutdown).await {
                Ok(_) => {}
                Err(NotDone::Refused(refusal)) => warn!("{name}: {refusal}"),
                Err(NotDone::Gone(_)) => return,
            }
        }
    }
}

/// Where the one that supervises us wants to be told.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Notifier {
    /// From `NOTIFY_SOCKET`. None when nobody asks; an address that cannot be used is told and then ignored.
    pub fn from_environment() -> Option<Self> {
        let text = env::var_os("NOTIFY_SOCKET").filter(|text| !text.is_empty())?;
        match Self::open(&text) {
            Ok(notifier) => Some(notifier),
            Err(error) => {
                warn!("NOTIFY_SOCKET={}: {error}; nobody will be told when we are ready", text.to_string_lossy());
                None
            }
        }
    }

    fn open(text: &OsString) -> io::Result<Self> {
        let address = match text.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(text)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A supervisor that does not read must not hold us up.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address })
    }

    fn tell(&self, text: &str) {
        if let Err(error) = self.socket.send_to_addr(text.as_bytes(), &self.address) {
            warn!("could not tell `{text}` to NOTIFY_SOCKET: {error}");
        }
    }

    /// Says `READY=1` once every group is complete, and `STOPPING=1` when the end begins. Returns after that.
    pub async fn serve(self, handle: Handle) {
        let Ok(mut changes) = handle.look(|sight| sight.hub.status.subscribe(None)).await else { return };
        let mut ready = false;
        loop {
            let seen = handle
                .look(|sight| {
                    let system = sight.core.system(sight.moment.mono);
                    (system.state, system.groups.iter().all(|group| group.complete))
                })
                .await;
            match seen {
                Ok((SystemState::Stopping, _)) | Err(_) => return self.tell("STOPPING=1"),
                Ok((SystemState::Starting | SystemState::Ready | SystemState::Degraded, complete)) => {
                    if complete && !ready {
                        ready = true;
                        self.tell("READY=1");
                    }
                }
            }
            if changes.next().await.is_none() {
                return self.tell("STOPPING=1");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_address_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("ubmcd-test-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        for (receiver, text) in [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (UnixDatagram::bind_addr(&abstract_address).unwrap(), format!("@{name}").into()),
        ] {
            Notifier::open(&text).unwrap().tell("READY=1");
            let mut buffer = [0; 64];
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"READY=1");
        }
    }
}
