//! The guardian's hands: a thread for each fan, because one whose device hangs must not delay the others, and one for the
//! watchdog. They are there before they are needed, and idle until told.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use ubmc_core::{ids::FanId, units::Duty};
use ubmc_platforms::{board::WatchdogBinding, hardware::Fans, linux::watchdog::Watchdog};

use super::log::say;

/// Stack of a thread; what it calls is shallow, and what is reserved may be locked into memory.
const STACK: usize = 128 * 1024;

/// What a fan's thread is told.
#[derive(Default)]
struct Order {
    /// To write now.
    duty: Option<(Duty, Arc<Round>)>,
    /// It is over.
    end: bool,
}

struct Finger {
    order: Mutex<Order>,
    changed: Condvar,
}

impl Finger {
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Order)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// One writing of all fans.
struct Round {
    begun: Instant,
    /// Fans that have not answered yet.
    open: AtomicUsize,
    failed: AtomicUsize,
    /// Tell how it went: a takeover, not a repetition.
    logged: bool,
}

/// All fans of a plan.
pub(super) struct Grip {
    fans: Vec<(Arc<Finger>, Duty)>,
    /// When a fan last took its duty, in milliseconds since `origin`.
    reached: Arc<AtomicU64>,
    origin: Instant,
}

impl Grip {
    /// Makes the threads; nothing is written.
    pub(super) fn new(fans: Vec<(String, Box<dyn Fans>, Duty)>) -> io::Result<Self> {
        let (reached, origin) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let mut grip = Self { fans: Vec::new(), reached, origin };
        for (index, (name, fan, failsafe)) in fans.into_iter().enumerate() {
            let finger = Arc::new(Finger { order: Mutex::default(), changed: Condvar::new() });
            grip.fans.push((Arc::clone(&finger), failsafe));
            let reached = Arc::clone(&grip.reached);
            let run = move || {
                hold(&finger, &name, FanId::new(index), fan, |at| {
                    let since = u64::try_from(at.duration_since(origin).as_millis()).unwrap_or(u64::MAX);
                    reached.fetch_max(since, Ordering::Relaxed);
                });
            };
            // On an error the others are told to end when `grip` is dropped.
            thread::Builder::new().name(format!("fan {index}")).stack_size(STACK).spawn(run)?;
        }
        Ok(grip)
    }

    /// Writes the fail-safe of every fan, and does not wait.
    pub(super) fn failsafe(&self, logged: bool) {
        let round = Arc::new(Round {
            begun: Instant::now(),
            open: AtomicUsize::new(self.fans.len()),
            failed: AtomicUsize::new(0),
            logged,
        });
        for (finger, failsafe) in &self.fans {
            finger.tell(|order| order.duty = Some((*failsafe, Arc::clone(&round))));
        }
    }

    /// Begins no write any more.
    pub(super) fn let_go(&self) {
        for (finger, _) in &self.fans {
            finger.tell(|order| order.duty = None);
        }
    }

    /// Waits until all that was told has been begun and has ended, at most until `until`.
    pub(super) fn settle(&self, until: Instant) {
        for (finger, _) in &self.fans {
            let mut order = finger.lock();
            while order.duty.is_some() {
                let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                    return;
                };
                order = finger.changed.wait_timeout(order, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// How long no fan has taken a duty.
    pub(super) fn unreached_for(&self) -> Duration {
        self.origin.elapsed().saturating_sub(Duration::from_millis(self.reached.load(Ordering::Relaxed)))
    }

    /// From now on only what happens counts as reaching a fan or not.
    pub(super) fn count_anew(&self) {
        let now = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.reached.fetch_max(now, Ordering::Relaxed);
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        for (finger, _) in &self.fans {
            finger.tell(|order| *order = Order { duty: None, end: true });
        }
    }
}

/// A fan's thread.
fn hold(finger: &Finger, name: &str, id: FanId, mut fan: Box<dyn Fans>, reached: impl Fn(Instant)) {
    let mut failing = false;
    loop {
        let (duty, round) = {
            let mut order = finger.lock();
            loop {
                if order.end {
                    return;
                }
                if let Some((duty, round)) = &order.duty {
                    break (*duty, Arc::clone(round));
                }
                order = finger.changed.wait(order).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let answer = fan.set_duty(id, duty);
        match &answer {
            Ok(()) => {
                reached(Instant::now());
                if failing {
                    say(&format!("{name} takes its duty again"));
                }
            }
            Err(error) if !failing => say(&format!("{name} does not take its fail-safe duty: {error}")),
            Err(_) => {}
        }
        failing = answer.is_err();
        if failing {
            round.failed.fetch_add(1, Ordering::Relaxed);
        }
        if round.open.fetch_sub(1, Ordering::AcqRel) == 1 && round.logged {
            let (took, failed) = (round.begun.elapsed(), round.failed.load(Ordering::Relaxed));
            let failed = if failed == 0 { String::new() } else { format!(", {failed} of them refused it") };
            say(&format!("every fan was told its fail-safe duty after {:.1} ms{failed}", took.as_secs_f64() * 1e3));
        }
        // Only now: whoever waits for it wants to know that it is done.
        finger.tell(|order| {
            order.duty.take_if(|(_, waiting)| Arc::ptr_eq(waiting, &round));
        });
    }
}

/// What the watchdog's thread is told.
enum Bowl {
    Feed,
    Disarm(SyncSender<()>),
}

/// The hardware watchdog. Opened when it is first fed, and tried again at each feeding when that fails: another guardian,
/// whose place this one takes, may still have it.
pub(super) struct Keeper {
    bowl: SyncSender<Bowl>,
}

impl Keeper {
    /// Makes the thread; the watchdog is not touched.
    pub(super) fn new(binding: WatchdogBinding) -> io::Result<Self> {
        let (bowl, orders) = sync_channel(1);
        thread::Builder::new().name("watchdog".into()).stack_size(STACK).spawn(move || {
            let mut watchdog: Option<Watchdog> = None;
            let mut complained = false;
            while let Ok(order) = orders.recv() {
                match order {
                    Bowl::Feed => match feed(&mut watchdog, &binding) {
                        Ok(()) => complained = false,
                        Err(text) if !complained => {
                            say(&text);
                            complained = true;
                        }
                        Err(_) => {}
                    },
                    Bowl::Disarm(done) => {
                        if let Some(Err(error)) = watchdog.take().map(Watchdog::disarm) {
                            say(&error.to_string());
                        }
                        // Nobody may wait any more.
                        let _ = done.try_send(());
                    }
                }
            }
        })?;
        Ok(Self { bowl })
    }

    /// Feeds it, and does not wait. One that hangs is not fed, and that is what it is for.
    pub(super) fn feed(&self) {
        match self.bowl.try_send(Bowl::Feed) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Disarms it; waits for that as long as `patience`.
    pub(super) fn disarm(&self, patience: Duration) {
        let (done, answer) = sync_channel(1);
        let (mut order, until) = (Bowl::Disarm(done), Instant::now() + patience);
        // Behind a feeding that has been told already.
        while let Err(TrySendError::Full(again)) = self.bowl.try_send(order) {
            if Instant::now() >= until {
                return;
            }
            order = again;
            thread::sleep(Duration::from_millis(1));
        }
        // Beyond that it resets the controller, as it does when nobody disarms it.
        let _ = answer.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn feed(watchdog: &mut Option<Watchdog>, binding: &WatchdogBinding) -> Result<(), String> {
    if watchdog.is_none() {
        let opened = Watchdog::open(&binding.device, binding.timeout).map_err(|error| error.to_string())?;
        if let Some(text) = opened.limitation() {
            say(text);
        }
        *watchdog = Some(opened);
    }
    watchdog.as_mut().map_or(Ok(()), Watchdog::feed).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use ubmc_platforms::hardware::HardwareError;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    struct Told {
        tell: Sender<(usize, f64)>,
        /// Answers only when this says so. Absent: at once.
        gate: Option<Receiver<()>>,
    }

    impl Fans for Told {
        fn set_duty(&mut self, fan: FanId, duty: Duty) -> Result<(), HardwareError> {
            if let Some(gate) = &self.gate {
                gate.recv().unwrap();
            }
            self.tell.send((fan.index(), duty.percent())).unwrap();
            Ok(())
        }
    }

    #[test]
    fn a_fan_that_hangs_delays_no_other_and_what_waits_for_it_can_be_taken_back() {
        let (tell, told) = channel();
        let (open, gate) = channel();
        let fan = |gate, percent: f64| {
            (String::new(), Box::new(Told { tell: tell.clone(), gate }) as Box<dyn Fans>, Duty::new(percent))
        };
        let grip = Grip::new(vec![fan(Some(gate), 60.0), fan(None, 70.0), fan(None, 80.0)]).unwrap();
        grip.failsafe(true);
        let mut first: Vec<_> = (0..2).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
        first.sort_by_key(|(fan, _)| *fan);
        assert_eq!(first, [(1, 70.0), (2, 80.0)]);
        grip.settle(Instant::now() + Duration::from_millis(20));
        open.send(()).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (0, 60.0));
        grip.settle(Instant::now() + PATIENCE);
        assert!(grip.unreached_for() < PATIENCE);
        // Taken back before it was begun.
        grip.failsafe(false);
        assert_eq!(told.recv_timeout(PATIENCE).map(|(fan, _)| fan > 0), Ok(true));
        assert_eq!(told.recv_timeout(PATIENCE).map(|(fan, _)| fan > 0), Ok(true));
        grip.failsafe(false);
        assert_eq!(told.recv_timeout(PATIENCE).map(|(fan, _)| fan > 0), Ok(true));
        assert_eq!(told.recv_timeout(PATIENCE).map(|(fan, _)| fan > 0), Ok(true));
        grip.let_go();
        open.send(()).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (0, 60.0), "the one that was begun");
        drop((grip, open));
        drop(tell);
        assert_eq!(told.recv_timeout(PATIENCE).ok(), None, "what waited was taken back");
    }

    #[test]
    fn a_watchdog_is_fed_as_told_and_disarmed_with_the_magic_character() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("watchdog");
        let keeper = Keeper::new(WatchdogBinding { device: device.clone(), timeout: Duration::from_secs(30) }).unwrap();
        keeper.feed();
        keeper.disarm(PATIENCE);
        std::fs::write(&device, "").unwrap();
        keeper.feed();
        // Waits for its turn behind the feeding.
        while keeper.bowl.try_send(Bowl::Feed).is_err() {
            thread::yield_now();
        }
        while std::fs::read(&device).unwrap().len() < 2 {
            thread::yield_now();
        }
        keeper.disarm(PATIENCE);
        assert_eq!(std::fs::read(&device).unwrap(), b"\0\0V");
    }
}
