//! The file in which every service marks its first instruction; see `service.c`.
//!
//! It is read with `pread`, which sees what others wrote through their mappings: no scan of `/proc` takes the
//! contenders' time while we wait.

use std::{
    collections::BTreeMap,
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    Failure,
    clock::{Moment, pause},
};

const HEAD: u64 = 64;
const MARKS: u64 = 65_536;
const MARK: u64 = 16;

/// One life of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its first instruction in `main`.
    pub at: Moment,
    /// Which service.
    pub index: u32,
    /// Its process.
    pub pid: i32,
}

impl Mark {
    /// None while it is being written.
    fn read(bytes: [u8; 16]) -> Option<Self> {
        let [t0, t1, t2, t3, t4, t5, t6, t7, i0, i1, i2, i3, p0, p1, p2, p3] = bytes;
        let at = u64::from_ne_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
        let mark = Self {
            at: Moment(at),
            index: u32::from_ne_bytes([i0, i1, i2, i3]),
            pid: i32::from_ne_bytes([p0, p1, p2, p3]),
        };
        (at != 0).then_some(mark)
    }
}

/// The ring, in a folder of its own.
#[derive(Debug)]
pub struct Ring {
    file: File,
    path: PathBuf,
    _folder: TempDir,
}

impl Ring {
    /// An empty one, in a folder of its own in this place.
    pub fn create(place: &Path) -> Result<Self, Failure> {
        let folder = tempfile::tempdir_in(place).map_err(Failure::io("no folder for the ring"))?;
        let path = folder.path().join("ring");
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(Failure::io("no file for the ring"))?;
        file.set_len(HEAD + MARKS * MARK).map_err(Failure::io("no room for the ring"))?;
        Ok(Self { file, path, _folder: folder })
    }

    /// What the service is given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Marks so far.
    pub fn count(&self) -> Result<u64, Failure> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 0).map_err(Failure::io("the ring cannot be read"))?;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// Marks from the `first` on, complete ones only.
    pub fn since(&self, first: u64) -> Result<Vec<Mark>, Failure> {
        let mut marks = Vec::new();
        for number in first..self.count()? {
            let mut bytes = [0; 16];
            let place = HEAD + number % MARKS * MARK;
            self.file.read_exact_at(&mut bytes, place).map_err(Failure::io("the ring cannot be read"))?;
            marks.extend(Mark::read(bytes));
        }
        Ok(marks)
    }

    /// Waits until `wanted` different services have marked a life from the `first` mark on; the first life of each.
    pub fn await_lives(&self, first: u64, wanted: usize, patience: Duration) -> Result<BTreeMap<u32, Mark>, Failure> {
        let end = Moment::now().after(patience);
        loop {
            // The count alone is one small read; the marks are looked at when there are enough.
            if self.count()? >= first + wanted as u64 {
                let mut lives = BTreeMap::new();
                for mark in self.since(first)? {
                    lives.entry(mark.index).or_insert(mark);
                }
                if lives.len() >= wanted {
                    return Ok(lives);
                }
            }
            if Moment::now() > end {
                return Err(Failure::Never(format!("{wanted} services run; {} marks came", self.count()? - first)));
            }
            pause(Duration::from_micros(200));
        }
    }

    /// Waits for the next life of one service from the `first` mark on.
    pub fn await_life(&self, first: u64, index: u32, patience: Duration) -> Result<Mark, Failure> {
        let end = Moment::now().after(patience);
        loop {
            if let Some(mark) = self.since(first)?.into_iter().find(|mark| mark.index == index) {
                return Ok(mark);
            }
            if Moment::now() > end {
                return Err(Failure::Never(format!("service {index} lives again")));
            }
            pause(Duration::from_micros(200));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(ring: &Ring, number: u64, time: u64, index: u32) {
        let mut bytes = time.to_ne_bytes().to_vec();
        bytes.extend(index.to_ne_bytes());
        bytes.extend(7_i32.to_ne_bytes());
        ring.file.write_all_at(&bytes, HEAD + number % MARKS * MARK).unwrap();
        ring.file.write_all_at(&(number + 1).to_ne_bytes(), 0).unwrap();
    }

    #[test]
    fn the_first_complete_life_of_each_service_counts() {
        let ring = Ring::create(&std::env::temp_dir()).unwrap();
        for (number, (time, index)) in [(5, 0), (0, 1), (9, 0), (8, 1)].into_iter().enumerate() {
            put(&ring, number as u64, time, index);
        }
        let lives = ring.await_lives(0, 2, Duration::ZERO).unwrap();
        let times: Vec<_> = lives.iter().map(|(index, mark)| (*index, mark.at.0, mark.pid)).collect();
        assert_eq!(times, [(0, 5, 7), (1, 8, 7)], "service 1's first mark is not complete yet");
        assert_eq!(ring.await_life(1, 0, Duration::ZERO).unwrap().at, Moment(9));
        assert!(matches!(ring.await_lives(0, 3, Duration::ZERO), Err(Failure::Never(_))));
    }

    #[test]
    fn a_full_ring_begins_again_at_its_start() {
        let ring = Ring::create(&std::env::temp_dir()).unwrap();
        put(&ring, MARKS - 1, 3, 1);
        put(&ring, MARKS, 4, 2);
        let marks = ring.since(MARKS - 1).unwrap();
        assert_eq!(marks.iter().map(|mark| mark.index).collect::<Vec<_>>(), [1, 2]);
    }
}
