//! A full-screen program of somebody else.

use std::path::Path;

use super::{
    super::{
        Bench, Failure,
        contender::{Begin, Contender},
        figure::Figure,
        peers::{self, Peer},
        plan::{Plan, Shape},
        ring::Ring,
    },
    Screen,
};

/// As many services as ubmc-tui shows beside it.
const SERVICES: u32 = 15;

/// One, with what it looks at.
pub(super) struct Other {
    name: &'static str,
    arguments: Vec<String>,
    /// What it shows must outlive it. Absent: it shows this machine.
    _shown: Option<(Peer, Ring)>,
}

impl Other {
    /// Absent: what it looks at cannot be had here, which is said.
    pub(super) fn new(bench: &Bench, name: &'static str, program: &Path) -> Result<Option<Self>, Failure> {
        let program = program.to_string_lossy().into_owned();
        if name != "systemctl-tui" {
            return Ok(Some(Self { name, arguments: vec![program], _shown: None }));
        }
        if let Some(why) = peers::missing(bench, peers::SYSTEMD_ON_A_BUS) {
            eprintln!("{name} is left out: systemd on a message bus: {why}");
            return Ok(None);
        }
        let plan = Plan::steady(SERVICES, Shape::Independent);
        let ring = Ring::create(&bench.rings)?;
        let mut systemd = Peer::enter(bench, peers::SYSTEMD_ON_A_BUS, &plan, &ring, Begin::Asked)?;
        systemd.start()?;
        let run = format!("XDG_RUNTIME_DIR={}", systemd.path("run").display());
        let unset = ["-u", "DBUS_SESSION_BUS_ADDRESS"].map(str::to_owned);
        let words = [run, program, "--scope".to_owned(), "user".to_owned(), "--no-log".to_owned()];
        Ok(Some(Self { name, arguments: unset.into_iter().chain(words).collect(), _shown: Some((systemd, ring)) }))
    }

    /// On a terminal of that size that takes everything at once.
    pub(super) fn measure(&self, size: (u16, u16)) -> Result<Figure, Failure> {
        // It becomes the program: the process is the same.
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        Screen::of(Path::new("/usr/bin/env"), &arguments).measure(size, self.name)
    }
}
