//! Blinks LEDs where the kernel does not: one thread for all LEDs of a handle, asleep while none blinks.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::Led;

/// The thread's other end. When it is dropped the thread ends, and leaves its LEDs on.
#[derive(Debug)]
pub(super) struct Blinker {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Work {
    blinking: BTreeMap<String, Blinking>,
    end: bool,
}

#[derive(Debug)]
struct Blinking {
    led: Led,
    half: Duration,
    on: bool,
    next: Instant,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blinker {
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        thread::Builder::new().name("leds/blink".to_owned()).stack_size(128 * 1024).spawn(move || run(&its))?;
        Ok(Self { shared })
    }

    /// From now on this LED, which is on, blinks.
    pub(super) fn take(&self, led: Led, half: Duration) {
        let blinking = Blinking { half, on: true, next: Instant::now() + half, led };
        self.shared.lock().blinking.insert(blinking.led.name.clone(), blinking);
        self.shared.changed.notify_all();
    }

    /// When this returns, nothing is written to that LED any more.
    pub(super) fn leave(&self, name: &str) {
        // The thread writes under the same lock.
        self.shared.lock().blinking.remove(name);
    }
}

impl Drop for Blinker {
    fn drop(&mut self) {
        self.shared.lock().end = true;
        self.shared.changed.notify_all();
    }
}

fn run(shared: &Shared) {
    let mut work = shared.lock();
    while !work.end {
        let now = Instant::now();
        // One that went away is tried again at its next change: LEDs come back.
        for blinking in work.blinking.values_mut().filter(|blinking| blinking.next <= now) {
            blinking.on = !blinking.on;
            blinking.next = now + blinking.half;
            let _ = blinking.light();
        }
        work = match work.blinking.values().map(|blinking| blinking.next).min() {
            Some(next) => {
                let wait = next.saturating_duration_since(Instant::now());
                shared.changed.wait_timeout(work, wait).unwrap_or_else(PoisonError::into_inner).0
            }
            None => shared.changed.wait(work).unwrap_or_else(PoisonError::into_inner),
        };
    }
    for blinking in work.blinking.values_mut() {
        blinking.on = true;
        let _ = blinking.light();
    }
}

impl Blinking {
    fn light(&self) -> Result<(), super::LinuxError> {
        let text = if self.on { self.led.brightest() } else { "0".to_owned() };
        self.led.write("brightness", &text)
    }
}
