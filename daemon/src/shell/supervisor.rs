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
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    time::{Interval, interval},
};
use tracing::{info, warn};
use ubmc_core::{input::Request, view::SystemState};

use super::{Handle, NotDone};
use crate::configuration::Configuration;

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

    /// Turns signals into requests until the loop ends: HUP into a reload; the first TERM or INT into an ordered
    /// shutdown, a further one into an emergency.
    pub async fn serve(mut self, handle: Handle, configuration: Arc<Configuration>) {
        // A shutdown must not wait for a reload. Of the HUPs that come during one, one is kept.
        let hung_up = Arc::new(Notify::new());
        let reloading = {
            let (handle, hung_up) = (handle.clone(), Arc::clone(&hung_up));
            tokio::spawn(async move {
                loop {
                    hung_up.notified().await;
                    configuration.reload_unasked(&handle, "signal SIGHUP", String::new()).await;
                }
            })
        };
        let mut asked = false;
        loop {
            let name = tokio::select! {
                _ = self.term.recv() => "SIGTERM",
                _ = self.int.recv() => "SIGINT",
                _ = self.hup.recv() => {
                    info!("SIGHUP: the configuration is read again");
                    hung_up.notify_one();
                    continue;
                }
            };
            let shutdown = Request::Shutdown { emergency: asked };
            info!("{name}: {}", if asked { "emergency shutdown" } else { "shutting down in order" });
            asked = true;
            match handle.ask(format!("signal {name}"), String::new(), shutdown).await {
                Ok(_) => {}
                Err(NotDone::Refused(refusal)) => warn!("{name}: {refusal}"),
                Err(NotDone::Gone(_)) => return reloading.abort(),
            }
        }
    }
}

/// Where the one that supervises us wants to be told.
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
    phase: Mutex<Phase>,
    /// It wants to hear that often that our loop turns. Absent: it does not.
    watchdog: Option<Duration>,
}

/// What was told last. Whoever is told that we are ready must not hear it before it is so, or after we have begun to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Reloading,
    Stopping,
}

impl Notifier {
    /// From `NOTIFY_SOCKET`. None when nobody asks; an address that cannot be used is told and then ignored.
    pub fn from_environment() -> Option<Self> {
        let text = env::var_os("NOTIFY_SOCKET").filter(|text| !text.is_empty())?;
        let variable = |name| env::var(name).ok();
        let watchdog = watchdog(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id());
        match Self::open(&text) {
            Ok(notifier) => Some(Self { watchdog, ..notifier }),
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
        Ok(Self { socket, address, phase: Mutex::new(Phase::Starting), watchdog: None })
    }

    fn tell(&self, text: &str) {
        if let Err(error) = self.socket.send_to_addr(text.as_bytes(), &self.address) {
            warn!("could not tell `{}` to NOTIFY_SOCKET: {error}", text.replace('\n', " "));
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From one phase, if we are in it, to another, which is told.
    fn go(&self, from: Phase, to: Phase, text: &str) {
        let mut phase = self.phase();
        if *phase == from {
            *phase = to;
            self.tell(text);
        }
    }

    /// Says `RELOADING=1` with its time, as sd_notify(3) wants it, and `READY=1` when the answer is dropped. Before we
    /// are ready, and when we are ending, neither is said.
    pub fn reloading(&self) -> Reloading<'_> {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.go(Phase::Ready, Phase::Reloading, &format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
        Reloading(self)
    }

    fn stopping(&self) {
        *self.phase() = Phase::Stopping;
        self.tell("STOPPING=1");
    }

    /// Says `READY=1` once every group is complete, `WATCHDOG=1` in time as long as the loop answers, and `STOPPING=1` when
    /// the end begins. Returns after that.
    pub async fn serve(self: Arc<Self>, handle: Handle) {
        let Ok(mut changes) = handle.look(|sight| sight.hub.status.subscribe(None)).await else { return };
        // Twice as often as asked for, as sd_watchdog_enabled(3) recommends.
        let mut times = self.watchdog.map(|watchdog| interval((watchdog / 2).max(Duration::from_millis(1))));
        loop {
            let seen = handle
                .look(|sight| {
                    let system = sight.core.system(sight.moment.mono);
                    (system.state, system.groups.iter().all(|group| group.complete))
                })
                .await;
            match seen {
                Ok((SystemState::Stopping, _)) | Err(_) => return self.stopping(),
                Ok((SystemState::Starting | SystemState::Ready | SystemState::Degraded, complete)) => {
                    if complete {
                        self.go(Phase::Starting, Phase::Ready, "READY=1");
                    }
                }
            }
            // The loop has just answered. How often it is told does not matter.
            if self.watchdog.is_some() {
                self.tell("WATCHDOG=1");
            }
            tokio::select! {
                change = changes.next() => {
                    if change.is_none() {
                        return self.stopping();
                    }
                }
                () = next(&mut times) => {}
            }
        }
    }
}

/// The next of these times; never, without any.
async fn next(times: &mut Option<Interval>) {
    match times {
        Some(times) => drop(times.tick().await),
        None => std::future::pending().await,
    }
}

/// What `WATCHDOG_USEC` and `WATCHDOG_PID` ask for; the second says whom they mean.
fn watchdog(usec: Option<String>, pid: Option<String>, own: u32) -> Option<Duration> {
    let ours = pid.is_none_or(|pid| pid.parse() == Ok(own));
    let usec = usec.and_then(|usec| usec.parse().ok()).filter(|usec| ours && *usec > 0)?;
    Some(Duration::from_micros(usec))
}

/// As long as this lives, we are reloading.
#[derive(Debug)]
pub struct Reloading<'a>(&'a Notifier);

impl Drop for Reloading<'_> {
    fn drop(&mut self) {
        self.0.go(Phase::Reloading, Phase::Ready, "READY=1");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_for_whom_it_is_meant() {
        for (usec, pid, every) in [
            (Some("30000000"), Some("7"), Some(30)),
            (Some("30000000"), None, Some(30)),
            (Some("30000000"), Some("8"), None),
            (Some("0"), None, None),
            (Some("soon"), None, None),
            (None, Some("7"), None),
        ] {
            let got = watchdog(usec.map(str::to_owned), pid.map(str::to_owned), 7);
            assert_eq!(got, every.map(Duration::from_secs), "{usec:?} {pid:?}");
        }
    }

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
