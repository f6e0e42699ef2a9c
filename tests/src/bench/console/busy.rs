//! What updates cost the console.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Builder,
    time::{MissedTickBehavior, interval},
};
use ubmc_proto::{
    transport::connect,
    v1::{LedPattern, SetLedRequest, led_service_client::LedServiceClient},
};

use super::{
    super::{
        Failure,
        clock::pause,
        figure::{Figure, Number},
        foreign::Watch,
        ubmcd::Ubmcd,
    },
    PATIENCE,
    screen::process,
};
use crate::terminal::Terminal;

/// Changes a second.
const CHANGES: u32 = 50;
const SECONDS: u64 = 10;
/// An LED that the shipped board has.
const LED: &str = "identify";

/// Lets something change fifty times a second, each change an event and an update of the status, and looks what the console
/// takes meanwhile, and before.
pub(super) fn updates(program: &Path, ubmcd: &Ubmcd, view: &str) -> Result<Figure, Failure> {
    let watch = Watch::begin();
    let address = ubmcd.address();
    let arguments = ["--connect", &address, "--view", view];
    let terminal = Terminal::start(&program.to_string_lossy(), &arguments, (80, 24), "xterm-256color");
    let process = process(&terminal)?;
    pause(Duration::from_secs(3));
    let taken = || -> Result<(f64, f64), Failure> {
        let (before, bytes) = (process.used()?, terminal.bytes());
        pause(Duration::from_secs(SECONDS));
        let used = process.used()?;
        let cpu_ms = (used.cpu_ns - before.cpu_ns) as f64 / 1e6;
        Ok((cpu_ms / SECONDS as f64, (terminal.bytes() - bytes) as f64 / SECONDS as f64))
    };
    let (idle, _) = taken()?;
    let changing = Changing::begin(ubmcd)?;
    pause(Duration::from_secs(1));
    let done = changing.count();
    let (busy, written) = taken()?;
    let changes = (changing.count() - done) as f64 / SECONDS as f64;
    drop(changing);
    Ok(Figure {
        name: "console",
        case: format!("ubmc-tui, {view}, updates"),
        measured: "CPU time that ubmc-tui takes at 80x24 in colour while nothing is asked of ubmcd, and while an LED is set so \
                   many times a second, each time an event and an update; bytes that it writes then.",
        numbers: vec![
            Number::one("idle", idle, "ms/s"),
            Number::one("busy", busy, "ms/s"),
            Number::one("changes", changes, "/s"),
            Number::one("written", written, "B/s"),
        ],
        foreign: watch.end(),
    })
}

/// Sets an LED on and off, in a thread of its own. Dropping it ends that.
struct Changing {
    shared: Arc<(AtomicBool, AtomicU64)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Changing {
    fn begin(ubmcd: &Ubmcd) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::io("no runtime"))?;
        let channel = runtime.block_on(connect(&ubmcd.endpoint(), PATIENCE));
        let channel = channel.map_err(|error| Failure::Never(format!("ubmcd answers: {error}")))?;
        let shared = Arc::new((AtomicBool::new(false), AtomicU64::new(0)));
        let ours = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let mut leds = LedServiceClient::new(channel);
                let mut ticks = interval(Duration::from_secs(1) / CHANGES);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut on = false;
                while !ours.0.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    on = !on;
                    let pattern = if on { LedPattern::On } else { LedPattern::Off };
                    let request =
                        SetLedRequest { name: LED.to_owned(), pattern: pattern.into(), ..SetLedRequest::default() };
                    if leds.set_led(request).await.is_ok() {
                        ours.1.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        });
        Ok(Self { shared, thread: Some(thread) })
    }

    fn count(&self) -> u64 {
        self.shared.1.load(Ordering::Relaxed)
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.shared.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
