//! One small file that power loss at any byte leaves as it was before or as it is after: written beside, synchronised,
//! renamed into place. What cannot be read is set aside for a person to look at, and never stops the daemon.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use ubmc_core::memory::Memory;

use super::page::Page;

/// Its name in the state directory.
pub const NAME: &str = "memory.json";
/// Grows when an older daemon would misunderstand the file.
const VERSION: u64 = 1;
/// Longer than any that was ever written: a thousand oneshots take a tenth of it.
const MAX_BYTES: u64 = 1 << 20;

/// What is read first: everything else may differ in another version.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

/// What must outlive the daemon could not be written.
#[derive(Debug, thiserror::Error)]
#[error("what must outlive the daemon is not kept: {}: {doing}: {source}", path.display())]
pub struct WriteError {
    path: PathBuf,
    doing: &'static str,
    source: io::Error,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Unread(io::Error),
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it is of version {0}, and this daemon knows {VERSION}")]
    Newer(u64),
}

/// What the file of this directory remembers, and a sentence when there was one that could not be used.
pub fn read(dir: &Path) -> (Memory, Option<String>) {
    let path = dir.join(NAME);
    match try_read(&path) {
        Ok(memory) => (memory.unwrap_or_default(), None),
        Err(why) => {
            let aside = match &why {
                Unusable::Newer(version) => dir.join(format!("{NAME}.v{version}")),
                Unusable::Unread(_) | Unusable::Damaged(_) => dir.join(format!("{NAME}.damaged")),
            };
            let moved = match fs::rename(&path, &aside) {
                Ok(()) => format!("it lies now at {}", aside.display()),
                Err(error) => format!("it could not be set aside ({error}) and will be replaced"),
            };
            let text = format!(
                "{} cannot be used: {why}; {moved}. What oneshots have done, requested states, policies and \
                 schedules are forgotten: what runs once per boot or power-on may run again, and no machine is powered \
                 on by what it was.",
                path.display()
            );
            (Memory::default(), Some(text))
        }
    }
}

/// None: there is no such file.
fn try_read(path: &Path) -> Result<Option<Memory>, Unusable> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::Unread(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Unusable::Unread)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Unusable::Damaged(format!("it is longer than {MAX_BYTES} bytes")));
    }
    let damaged = |error: serde_json::Error| Unusable::Damaged(error.to_string());
    let Head { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if version > VERSION {
        return Err(Unusable::Newer(version));
    }
    let page: Page = serde_json::from_slice(&bytes).map_err(damaged)?;
    page.memory().map(Some).map_err(Unusable::Damaged)
}

/// Keeps `memory` in this directory. Waits for the disk.
pub fn write(dir: &Path, memory: &Memory) -> Result<(), WriteError> {
    let (path, fresh) = (dir.join(NAME), dir.join(format!("{NAME}.new")));
    let failed = |doing| {
        let path = path.clone();
        move |source| WriteError { path, doing, source }
    };
    let bytes = serde_json::to_vec(&Page::of(memory, VERSION))
        .map_err(|error| failed("putting it into words")(error.into()))?;
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&fresh).map_err(failed("making the new file"))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed("writing the new file"))?;
    fs::rename(&fresh, &path).map_err(failed("putting the new file into its place"))?;
    // Without this the old name may come back after a power loss, which is allowed, but not for as long as one likes.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("synchronising the directory"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ubmc_core::{
        ids::{OperationId, ScheduleId},
        input::Verb,
        machines::Demand,
        memory::{Done, EpochMemory, MachineMemory, OperationMemory, OperationsMemory, ScheduleMemory},
        restore::{Power, RestorePolicy},
        services::Epoch,
        time::Wall,
    };

    use super::*;

    /// Something in every section.
    fn memory(chassis_power: u64) -> Memory {
        let done = |epoch, mark: &str| Done { epoch, mark: mark.to_owned() };
        let epochs = EpochMemory {
            chassis_power,
            host_boot: 7,
            powered: ["chassis".into(), "host.0".into()].into(),
            done: [
                ("setup".into(), done(Epoch::BmcBoot, "3f9c")),
                ("tune \"fans\"".into(), done(Epoch::ChassisPower, "3")),
                ("inventory".into(), done(Epoch::HostBoot, "")),
            ]
            .into(),
        };
        let host = MachineMemory {
            requested: Some(Power::On),
            stable: Some(Power::Off),
            restoring: true,
            restore: Some(RestorePolicy::LastState),
            restore_once: Some(RestorePolicy::AlwaysOff),
            boots_left: Some(1),
            boots_once: Some(0),
            given_up: true,
            took: [(Demand::On, vec![Duration::from_millis(6_200), Duration::from_millis(6_150)])].into(),
        };
        let wall = |ms| Wall::new(Duration::from_millis(ms));
        let operation = OperationMemory {
            kind: "host-on".to_owned(),
            target: "host.0".to_owned(),
            machines: ["host.0".into()].into(),
            actor: "uid 0 (root)".to_owned(),
            reason: "because".to_owned(),
            begun: Some(wall(1_795_216_131_250)),
        };
        let schedule = ScheduleMemory {
            at: wall(1_795_300_000_000),
            machine: "host.1".into(),
            verb: Verb::Restart,
            actor: "uid 0 (root)".to_owned(),
            reason: String::new(),
        };
        Memory {
            boot: "a1b2".to_owned(),
            in_order: true,
            epochs,
            machines: [("host.0".into(), host), ("host.1".into(), MachineMemory::default())].into(),
            operations: OperationsMemory { next: 18, running: [(OperationId(17), operation)].into() },
            schedules: [(ScheduleId(3), schedule)].into(),
            last_schedule: 4,
            trips: [("cpu".into(), "host0_cpu_temp is 101 C".to_owned())].into(),
        }
    }

    /// What lies in the directory, by name.
    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), (Memory::default(), None), "nothing yet, and nothing wrong with that");
        for number in [1, 2] {
            write(dir.path(), &memory(number)).unwrap();
            assert_eq!(read(dir.path()), (memory(number), None));
        }
        assert_eq!(names(dir.path()), [NAME]);
    }

    #[test]
    fn what_an_older_daemon_wrote_is_read_and_what_a_newer_one_adds_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let older = r#"{"version":1,"chassis_power":3,"host_boot":7,"powered":["chassis"],"done":{}}"#;
        let known =
            EpochMemory { chassis_power: 3, host_boot: 7, powered: ["chassis".into()].into(), ..Default::default() };
        for text in [
            older.to_owned(),
            older.replace("{\"version", "{\"colour\":\"red\",\"machines\":{\"x\":{\"smell\":4}},\"version"),
        ] {
            fs::write(dir.path().join(NAME), text).unwrap();
            let (memory, remark) = read(dir.path());
            assert_eq!((memory.epochs, remark), (known.clone(), None));
        }
    }

    #[test]
    fn power_loss_at_any_byte_leaves_the_old_or_the_new() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = dir.path().join("memory.json.new");
        write(dir.path(), &memory(2)).unwrap();
        let new = fs::read(dir.path().join(NAME)).unwrap();
        for old in [None, Some(memory(1))] {
            for length in 0..=new.len() {
                let _ = fs::remove_file(dir.path().join(NAME));
                if let Some(old) = &old {
                    write(dir.path(), old).unwrap();
                }
                // The power went before the rename: whatever there is of the new one, it is not looked at.
                fs::write(&fresh, &new[..length]).unwrap();
                assert_eq!(read(dir.path()), (old.clone().unwrap_or_default(), None), "{length}");
                // And it is in nobody's way.
                write(dir.path(), &memory(3)).unwrap();
                assert_eq!(read(dir.path()), (memory(3), None), "{length}");
                assert!(!fresh.exists());
            }
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_set_aside_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &memory(1)).unwrap();
        let whole = String::from_utf8(fs::read(dir.path().join(NAME)).unwrap()).unwrap();
        let cut = (0..whole.len()).map(|length| (whole[..length].to_owned(), "memory.json.damaged", "damaged"));
        let others = [
            (whole.replace("bmc-boot", "full-moon"), "memory.json.damaged", "`full-moon`"),
            (whole.replace("last-state", "first-state"), "memory.json.damaged", "`first-state`"),
            (whole.replace("\"op-17\"", "\"17\""), "memory.json.damaged", "`17`"),
            (format!("{whole}{whole}"), "memory.json.damaged", "damaged"),
            (" ".repeat((1 << 20) + 1), "memory.json.damaged", "longer than"),
            (whole.replace("\"version\":1", "\"version\":2"), "memory.json.v2", "version 2"),
            ("{\"version\":3,\"all\":\"different\"}".to_owned(), "memory.json.v3", "version 3"),
        ];
        for (text, aside, sentence) in cut.chain(others) {
            fs::write(dir.path().join(NAME), &text).unwrap();
            let (found, remark) = read(dir.path());
            let remark = remark.unwrap_or_else(|| panic!("nothing was said of {text:?}"));
            assert_eq!(found, Memory::default(), "{text:?}");
            assert!(remark.contains(sentence) && remark.contains(aside), "{remark}");
            assert_eq!(fs::read_to_string(dir.path().join(aside)).unwrap(), text, "kept for a person to look at");
            assert_eq!(read(dir.path()), (Memory::default(), None), "said once");
        }
    }

    #[test]
    fn a_write_that_fails_says_what_and_where() {
        let error = write(Path::new("/nonexistent"), &memory(1)).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/memory.json: making the new file: No such file"), "{error}");
    }
}
