//! How the daemon and its guardian speak: one JSON text a packet, over a unix socket that keeps packets apart.
//!
//! ```text
//! dialogue   Word::Hello → Answer::Welcome, and from then on Word::Beat … ; Answer::Taken and Answer::Relieved unasked
//!            Word::Hello → Answer::Other: it watches for somebody else, or is of another make; the daemon then makes a
//!            guardian of its own and says Word::Dismiss to this one
//! ```
//!
//! Over all versions `{"hello":…}` as the first packet, the answer `{"other":…}` to one that is not understood, and
//! `"dismiss"` stay as they are: by these a guardian is replaced by one of another make.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    time::Duration,
};

use rustix::{
    buffer::spare_capacity,
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, recv,
        send, socket_with,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ubmc_core::{board::Board, thermal::FanSpec, units::Duty};
use ubmc_platforms::{
    board::{Bindings, FanBinding, WatchdogBinding},
    hardware::{self, Fans, OpenError, Platform, runner},
    sim::SimConfig,
};

use super::watch::{Heritage, Why};

/// Version of everything on this page. Both sides must have the same.
pub(super) const VERSION: u32 = 1;
/// Longest packet, in bytes.
const LONGEST: usize = 64 * 1024;

/// What the guardian is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    /// First on every connection.
    Hello(Box<Hello>),
    /// The daemon's loop turns, and its writes to fans return.
    Beat(Beat),
    /// The daemon leaves in order.
    Release {
        /// How long the fans keep their duties. Zero: they go to fail-safe now, and the guardian ends.
        hold_ms: u64,
    },
    /// Another guardian has taken this one's place: it ends and touches nothing.
    Dismiss,
}

/// Who asks to be watched over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The asker's [`VERSION`].
    pub(super) version: u32,
    /// Which executable it is: after an upgrade that is another one.
    pub(super) make: String,
    /// What is to be guarded.
    pub(super) plan: Plan,
    /// How the fans are driven at this moment.
    pub(super) beat: Beat,
    /// How the guardian whose place this one takes had the fans. Absent: there was none, or it only watched.
    pub(super) heritage: Option<Heritage>,
    /// The duties that one knew.
    pub(super) duties: Vec<Held>,
}

/// A sign of life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Beat {
    /// The duties that fans have been told, in percent, by their place in the plan. Absent: nobody drives them.
    pub(super) duties: Option<Vec<Option<f64>>>,
}

/// The duty of a fan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// The fan's name on the board.
    pub fan: String,
    /// In percent.
    pub percent: f64,
}

/// What is to be guarded, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Where the hardware is.
    pub place: Place,
    /// The fans.
    pub fans: Vec<FanPlan>,
    /// Fed as long as the daemon beats. Absent: none.
    pub watchdog: Option<WatchdogBinding>,
    /// No beat for so long means that the daemon hangs.
    pub silence: Duration,
}

/// Where the hardware is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// What the kernel shows.
    Linux {
        /// Usually `/sys`.
        sysfs: PathBuf,
    },
    /// A simulated board.
    Sim {
        /// Where its socket is.
        dir: PathBuf,
        /// What it is made of.
        config: SimConfig,
    },
}

/// A fan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FanPlan {
    /// Its name on the board.
    pub name: String,
    /// What drives it.
    pub binding: FanBinding,
    /// What it is left with when nobody controls it, in percent.
    pub failsafe: f64,
}

impl Plan {
    /// For a board. Absent: it has neither fans nor a watchdog.
    pub fn of(board: &Board, bindings: &Bindings, platform: &Platform, silence: Duration) -> Option<Self> {
        let place = match platform {
            Platform::Linux { sysfs } => Place::Linux { sysfs: sysfs.clone() },
            Platform::Sim { dir, config } => Place::Sim { dir: dir.clone(), config: config.clone() },
        };
        let fans: Vec<_> = board
            .fans
            .iter()
            .zip(&bindings.fans)
            .enumerate()
            .map(|(index, (spec, binding))| FanPlan {
                name: spec.name.to_string(),
                binding: binding.clone(),
                failsafe: runner::failsafe(board, ubmc_core::ids::FanId::new(index)).percent(),
            })
            .collect();
        let watchdog = bindings.watchdog.clone();
        (!fans.is_empty() || watchdog.is_some()).then_some(Self { place, fans, watchdog, silence })
    }

    /// The fail-safe duty of each fan.
    pub(super) fn failsafe(&self) -> Vec<Duty> {
        self.fans.iter().map(|fan| Duty::new(fan.failsafe)).collect()
    }

    /// A handle for each fan, so that one whose device hangs delays no other.
    pub(super) fn open(&self) -> Result<Vec<Box<dyn Fans>>, OpenError> {
        let spec =
            |fan: &FanPlan| FanSpec { name: fan.name.as_str().into(), tachometer: None, max_rpm: 1.0, min_rpm: 0.0 };
        let board = Board { fans: self.fans.iter().map(spec).collect(), ..Board::default() };
        let bindings =
            Bindings { fans: self.fans.iter().map(|fan| fan.binding.clone()).collect(), ..Bindings::default() };
        let platform = match &self.place {
            Place::Linux { sysfs } => Platform::Linux { sysfs: sysfs.clone() },
            Place::Sim { dir, config } => Platform::Sim { dir: dir.clone(), config: config.clone() },
        };
        let hardware = hardware::open(&board, &bindings, platform)?;
        Ok(self.fans.iter().map(|_| hardware.fans()).collect())
    }
}

/// What the guardian says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    /// It watches from now on.
    Welcome(Standing),
    /// It watches for another board or configuration, or is of another make.
    Other(Standing),
    /// It has the fans: they are at their fail-safe.
    Taken {
        /// Why.
        why: Why,
    },
    /// It has them no more.
    Relieved {
        /// Why it had them.
        why: Why,
        /// For how long.
        held_ms: u64,
    },
}

/// How the guardian has the fans.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Absent: it watches, or has nothing to watch over.
    pub(super) heritage: Option<Heritage>,
    /// The duties that it knows. In charge they are the fail-safe ones.
    pub(super) duties: Vec<Held>,
}

/// A socket for packets, connected to nobody. Nothing on it ever waits.
fn packets() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Connects. It fails at once when nobody listens, or does not accept.
pub(super) fn dial(path: &std::path::Path) -> io::Result<OwnedFd> {
    let socket = packets()?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Listens on a path that does not exist yet.
pub(super) fn listen_on(path: &std::path::Path) -> io::Result<OwnedFd> {
    let socket = packets()?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, 8)?;
    Ok(socket)
}

/// Sends a packet and does not wait: the error is `WouldBlock` when the other side does not read.
pub(super) fn say(to: impl AsFd, what: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(what)?;
    loop {
        match send(&to, &text, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// What came, not waited for.
#[derive(Debug, PartialEq)]
pub(super) enum Heard<T> {
    /// A packet.
    Packet(T),
    /// A packet that makes no sense to this version.
    Gibberish,
    /// Nothing yet.
    Nothing,
    /// The other side has closed its end, or the connection broke.
    End,
}

/// Receives a packet and does not wait.
pub(super) fn hear<T: DeserializeOwned>(from: impl AsFd) -> Heard<T> {
    let mut room = Vec::with_capacity(LONGEST);
    loop {
        return match recv(&from, spare_capacity(&mut room), RecvFlags::DONTWAIT) {
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => Heard::Nothing,
            // An empty packet is nothing that either side sends: it is how the end looks.
            Ok((0, _)) | Err(_) => Heard::End,
            Ok(_) => serde_json::from_slice(&room).map_or(Heard::Gibberish, Heard::Packet),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let fan = |index: usize| FanPlan {
            name: format!("fan.{index}"),
            binding: FanBinding::Sim { fan: format!("fan.{index}") },
            failsafe: 80.0,
        };
        Plan {
            place: Place::Sim { dir: "/x".into(), config: SimConfig::default() },
            fans: (0..6).map(fan).collect(),
            watchdog: Some(WatchdogBinding { device: "/dev/watchdog0".into(), timeout: Duration::from_secs(60) }),
            silence: Duration::from_millis(700),
        }
    }

    #[test]
    fn every_packet_comes_out_as_it_went_in_and_none_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = listen_on(&path).unwrap();
        let near = dial(&path).unwrap();
        let far = rustix::net::accept(&listener).unwrap();
        let hello = Hello {
            version: VERSION,
            make: "1:2".into(),
            plan: plan(),
            beat: Beat::default(),
            heritage: Some(Heritage::Holding { left_ms: 7 }),
            duties: vec![Held { fan: "fan.0".into(), percent: 33.25 }],
        };
        assert_eq!(hear::<Word>(&far), Heard::Nothing);
        let words = [
            Word::Hello(Box::new(hello)),
            Word::Beat(Beat { duties: Some(vec![Some(20.5), None]) }),
            Word::Release { hold_ms: 10_000 },
            Word::Dismiss,
        ];
        for word in &words {
            say(&near, word).unwrap();
        }
        say(&near, &"something else").unwrap();
        for word in words {
            assert_eq!(hear(&far), Heard::Packet(word));
        }
        assert_eq!(hear::<Word>(&far), Heard::Gibberish);
        assert_eq!(hear::<Word>(&far), Heard::Nothing);
        for answer in [
            Answer::Welcome(Standing::default()),
            Answer::Other(Standing { heritage: None, duties: vec![Held { fan: "a".into(), percent: 1.0 }] }),
            Answer::Taken { why: Why::NoHeir },
            Answer::Relieved { why: Why::Died, held_ms: 5 },
        ] {
            say(&far, &answer).unwrap();
            assert_eq!(hear(&near), Heard::Packet(answer));
        }
        drop(far);
        assert_eq!(hear::<Answer>(&near), Heard::End);
        assert!(say(&near, &Word::Dismiss).is_err());
    }

    #[test]
    fn nobody_waits_for_a_side_that_does_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let listener = listen_on(&folder.path().join("s")).unwrap();
        let near = dial(&folder.path().join("s")).unwrap();
        let beat = Word::Beat(Beat { duties: Some(vec![Some(1.0); 12]) });
        let refused = (0..100_000).find_map(|_| say(&near, &beat).err()).unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        drop(listener);
    }

    #[test]
    fn what_replaces_a_guardian_is_the_same_in_every_version() {
        assert_eq!(serde_json::to_string(&Word::Dismiss).unwrap(), "\"dismiss\"");
        let other = serde_json::to_value(Answer::Other(Standing::default())).unwrap();
        assert!(other.get("other").is_some(), "{other}");
    }
}
