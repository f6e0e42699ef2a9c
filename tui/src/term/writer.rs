//! Writes to the terminal on a thread of its own: a tty that takes nothing (a stopped line, a stuck modem) must not stop
//! the console from hearing signals and the daemon.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::Notify;

/// Takes one frame at a time.
#[derive(Debug)]
pub struct Writer {
    frames: mpsc::SyncSender<Vec<u8>>,
    busy: Arc<AtomicBool>,
    idle: Arc<Notify>,
}

impl Writer {
    /// Starts the thread. It ends with the writer, or with the terminal.
    pub fn start() -> io::Result<Self> {
        let (frames, receiver) = mpsc::sync_channel::<Vec<u8>>(1);
        let busy = Arc::new(AtomicBool::new(false));
        let idle = Arc::new(Notify::new());
        let (working, done) = (Arc::clone(&busy), Arc::clone(&idle));
        thread::Builder::new().name("screen".to_owned()).spawn(move || {
            while let Ok(frame) = receiver.recv() {
                let mut stdout = io::stdout().lock();
                // A terminal that has gone shows at the keyboard as its end, where the loop sees it.
                let _gone = stdout.write_all(&frame).and_then(|()| stdout.flush());
                drop(stdout);
                working.store(false, Ordering::Release);
                done.notify_one();
            }
        })?;
        Ok(Self { frames, busy, idle })
    }

    /// Whether the last frame is still being written: then no other is taken.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// Hands over a frame. Only when the writer is not busy.
    pub fn write(&self, frame: Vec<u8>) {
        self.busy.store(true, Ordering::Release);
        if self.frames.try_send(frame).is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }

    /// Wakes up when a frame has been written.
    pub async fn idle(&self) {
        self.idle.notified().await;
    }
}
