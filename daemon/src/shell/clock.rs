//! The clocks of this daemon: the monotonic one, whose zero is its start, and the wall clock as the core is told of it.

use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::{io::unix::AsyncFd, sync::mpsc};
use tracing::warn;
use ubmc_core::{input::Input, time::Mono};

use crate::{memory, process::descriptor};

/// Gives the core its time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that is zero now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Now.
    pub fn now(self) -> Mono {
        Mono::new(self.origin.elapsed())
    }

    /// The runtime's word for `moment`.
    pub fn instant(self, moment: Mono) -> tokio::time::Instant {
        // A moment that no clock reaches is one that never comes.
        let never = || self.origin + std::time::Duration::from_secs(86_400 * 365);
        self.origin.checked_add(moment.since_origin()).unwrap_or_else(never).into()
    }
}

/// How often the core is told the wall time when nobody sets the clock.
const TELL: i64 = 60;

/// Tells the core the wall time once a minute, and at once when somebody has set the clock.
pub(super) async fn watch_wall(inlet: mpsc::Sender<Input>) {
    let timer = match wall_timer() {
        Ok(timer) => Some(timer),
        Err(error) => {
            warn!("no timer tells that the clock was set ({error}): it is looked at every {TELL} s");
            None
        }
    };
    loop {
        match &timer {
            Some(timer) => {
                if wait(timer).await.is_err() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            None => tokio::time::sleep(Duration::from_secs(TELL.unsigned_abs())).await,
        }
        if let Some(wall) = memory::wall()
            && inlet.send(Input::Clock(wall)).await.is_err()
        {
            return;
        }
    }
}

/// One that ends each minute, and when the clock is set.
fn wall_timer() -> io::Result<AsyncFd<OwnedFd>> {
    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    arm(&timer)?;
    descriptor::watch(timer)
}

fn arm(timer: &OwnedFd) -> io::Result<()> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let every = Timespec { tv_sec: TELL, tv_nsec: 0 };
    let first = Timespec { tv_sec: now.tv_sec + TELL, ..now };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(timer, flags, &Itimerspec { it_interval: every, it_value: first })?;
    Ok(())
}

async fn wait(timer: &AsyncFd<OwnedFd>) -> io::Result<()> {
    loop {
        let mut ready = timer.readable().await?;
        let mut expirations = [0; 8];
        match rustix::io::read(timer.get_ref(), &mut expirations) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
            // The clock was set: from here on the minute is counted anew.
            Err(rustix::io::Errno::CANCELED) => return arm(timer.get_ref()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Wall time as seconds since 1970; 0 when the clock says it is earlier.
pub fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
