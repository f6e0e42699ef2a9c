//! Lines of standard input, where nobody edits them: answers, scripts, terminals that can only print.
//!
//! Whoever waits for a line can stop waiting (Ctrl-C) without leaving a reader behind that would take the next one: what
//! blocks on a thread of its own only looks whether there is something, and not for long.

use std::io;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// Standard input by lines, and what has been read beyond the last one.
#[derive(Default)]
pub(crate) struct Keyboard {
    read: Vec<u8>,
}

/// A longer line is none that a person or a sensible script wrote.
const LONGEST: usize = 64 * 1024;

impl Keyboard {
    /// The next line, without its newline. None: there are no more.
    pub(crate) async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(end + 1);
                let line = std::mem::replace(&mut self.read, rest);
                return Ok(Some(text(&line)));
            }
            if self.read.len() > LONGEST {
                let why = format!("a line of standard input is longer than {LONGEST} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            readable().await?;
            let mut bytes = [0; 4096];
            match rustix::io::read(io::stdin(), &mut bytes) {
                Ok(0) if self.read.is_empty() => return Ok(None),
                // The last line of a file may end without a newline.
                Ok(0) => return Ok(Some(text(&std::mem::take(&mut self.read)))),
                Ok(count) => self.read.extend(bytes.iter().take(count)),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\n', '\r']).to_owned()
}

/// Waits until something can be read, or the end is there.
async fn readable() -> io::Result<()> {
    let look = || {
        let stdin = io::stdin();
        poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&Timespec { tv_sec: 1, tv_nsec: 0 }))
    };
    loop {
        match tokio::task::spawn_blocking(look).await {
            Ok(Ok(0) | Err(Errno::INTR)) => {}
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => return Err(error.into()),
            Err(gone) => return Err(io::Error::other(gone)),
        }
    }
}
