//! What the daemon is configured from, and going over to it anew while everything runs.
//!
//! The files are read and checked where nobody waits, all of them as at the start; what comes of it is the core's to
//! compare and to go over to, or to refuse. One reload happens at a time, whoever asks: a client, SIGHUP, or the watch
//! on the files.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};
use ubmc_core::{
    effect::Reply,
    ids::OperationId,
    input::Request,
    refusal::{Obstacle, Refusal},
    view::ReloadView,
};
use ubmc_platforms::{
    board::{self, Bindings, Diagnostic, Diagnostics, LoadOptions, Loaded, NameOrFile, Severity},
    sim::SimConfig,
};

use crate::{
    allocator,
    args::{RunArgs, UsageError},
    shell::{Handle, NotDone, supervisor::Notifier},
};

/// How long the files may take to be read, and a reload to wait for the one before it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the files, when they are watched.
const LOOK: Duration = Duration::from_secs(2);
/// A refusal names so many problems one by one.
const MOST_TOLD: usize = 50;

/// The files that describe the board and its services.
#[derive(Debug)]
pub struct Configuration {
    board: NameOrFile,
    registries: Vec<PathBuf>,
    services_dir: Option<PathBuf>,
    /// What supervises us, when it wants to know.
    notifier: Option<Arc<Notifier>>,
    /// [`PATIENCE`], but for tests.
    patience: Duration,
    /// Held while the files are read and gone over to.
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

/// Files, each in the state in which it was found.
type Seen = BTreeMap<PathBuf, Option<Identity>>;

#[derive(Debug, Default)]
struct State {
    /// The files of the last load that succeeded, as they were at the last one that was to hold.
    seen: Seen,
    /// How hardware is reached and what is simulated, as it was at the start: a reload does not change that.
    hardware: Option<(Bindings, Option<SimConfig>)>,
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

/// What became of a reload.
#[derive(Debug)]
pub struct Reloaded {
    /// What differs.
    pub view: Box<ReloadView>,
    /// What brings services up and down. Absent: none has to move.
    pub operation: Option<OperationId>,
}

/// Why there was no reload. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotReloaded {
    /// The files have errors.
    #[error("{}\n\n{problems}", refusal.text)]
    Errors {
        /// What the core says to that.
        refusal: Refusal,
        /// Every error, ready to be shown.
        problems: Box<Diagnostics>,
    },
    /// The core refuses what the files describe.
    #[error("{0}")]
    Refused(Refusal),
    /// The files were not read in time.
    #[error(
        "the configuration could not be read within {} s; nothing was changed: is one of its files on a disk that does \
         not answer?",
        .0.as_secs_f64()
    )]
    Slow(Duration),
    /// Another one does not come to its end.
    #[error("another reload has not ended within {} s; nothing was changed", .0.as_secs_f64())]
    Busy(Duration),
    /// The daemon is about to end.
    #[error("ubmcd is stopping")]
    Gone,
}

impl Configuration {
    /// As the command line names it. Nothing is read yet.
    pub fn new(args: &RunArgs, notifier: Option<Arc<Notifier>>) -> Result<Self, UsageError> {
        Ok(Self {
            board: NameOrFile::from(args.board.as_str()),
            registries: args.services.clone(),
            services_dir: args.absolute_services_dir()?,
            notifier,
            patience: PATIENCE,
            turn: Arc::default(),
            state: Mutex::default(),
        })
    }

    /// The same, with less patience.
    #[cfg(test)]
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Reads and checks everything, for the start. Waits for the disk.
    pub fn load(&self) -> Result<Loaded, Diagnostics> {
        let (read, seen) = self.read();
        let mut state = self.state();
        state.seen = seen;
        state.hardware = read.as_ref().ok().map(|loaded| (loaded.bindings.clone(), loaded.sim.clone()));
        drop(state);
        read
    }

    /// Reads and checks everything, and says in which state each file was.
    fn read(&self) -> (Result<Loaded, Diagnostics>, Seen) {
        let options = LoadOptions {
            board: self.board.clone(),
            registries: self.registries.clone(),
            services_dir: self.services_dir.clone(),
            vars: variables(),
        };
        // Before they are read: what changes meanwhile then differs from what was seen.
        let before = look_at(self.watched());
        match board::load(&options) {
            Ok(loaded) => {
                let seen = |file: &PathBuf| before.get(file).copied().unwrap_or_else(|| Identity::of(file));
                let seen = loaded.files.iter().map(|file| (file.clone(), seen(file))).collect();
                (Ok(loaded), seen)
            }
            Err(problems) => (Err(problems), before),
        }
    }

    /// Reads the files again and has the core go over to them, or only say what that would change (`dry_run`).
    pub async fn reload(
        self: &Arc<Self>,
        handle: &Handle,
        actor: String,
        reason: String,
        dry_run: bool,
    ) -> Result<Reloaded, NotReloaded> {
        let turn = Arc::clone(&self.turn).lock_owned();
        let turn = timeout(self.patience, turn).await.map_err(|_| NotReloaded::Busy(self.patience))?;
        let _told = self.notifier.as_ref().filter(|_| !dry_run).map(|notifier| notifier.reloading());
        let configuration = Arc::clone(self);
        // The turn goes along: as long as this hangs on a dead disk nobody else begins.
        let reading = tokio::task::spawn_blocking(move || (configuration.read(), turn));
        // A loader that panics is a defect; what runs is not harmed by it.
        let Ok(Ok(((read, seen), _turn))) = timeout(self.patience, reading).await else {
            return Err(NotReloaded::Slow(self.patience));
        };
        if !dry_run {
            self.state().seen = seen;
        }
        let mut problems = None;
        let (read, warnings) = match read {
            Ok(loaded) => {
                let warnings = self.remarks(&loaded);
                (Ok(Box::new(loaded.board)), warnings)
            }
            Err(found) => {
                let obstacles = obstacles(&found);
                problems = Some(found.without_warnings());
                (Err(obstacles), Vec::new())
            }
        };
        let request = Request::Reload { read, warnings, dry_run };
        let answer = handle.ask(actor, reason, request).await;
        // Nobody waits for it, and it does not matter when.
        drop(tokio::task::spawn_blocking(allocator::give_back));
        match (answer, problems) {
            (Ok(Reply::Reload(view, operation)), _) => Ok(Reloaded { view, operation }),
            (
                Ok(Reply::Done | Reply::Operation(_) | Reply::Scheduled(_) | Reply::Plan(_)) | Err(NotDone::Gone(_)),
                _,
            ) => Err(NotReloaded::Gone),
            (Err(NotDone::Refused(refusal)), Some(problems)) => {
                Err(NotReloaded::Errors { refusal, problems: Box::new(problems) })
            }
            (Err(NotDone::Refused(refusal)), None) => Err(NotReloaded::Refused(refusal)),
        }
    }

    /// Reloads for somebody who gets no answer: what comes of it is told in the log.
    pub async fn reload_unasked(self: &Arc<Self>, handle: &Handle, actor: &str, reason: String) {
        match self.reload(handle, actor.to_owned(), reason, false).await {
            Ok(Reloaded { view, .. }) => {
                for note in &view.notes {
                    warn!("{actor}: {note}");
                }
            }
            Err(NotReloaded::Refused(refusal)) => {
                error!("{actor}: {refusal}");
                for obstacle in &refusal.obstacles {
                    error!("{actor}: {}: {} ({})", obstacle.subject, obstacle.text, obstacle.remedy);
                }
            }
            Err(failure) => error!("{actor}: {}", failure.to_string().trim_end()),
        }
    }

    /// Reloads whenever the files have changed, until it is dropped. Looks at them every two seconds.
    pub async fn watch(self: Arc<Self>, handle: Handle) {
        match self.watched().len() {
            0 => return warn!("--watch-config: there is nothing to watch: the board is shipped inside the program"),
            1 => info!("the configuration's file is watched"),
            files => info!("the configuration's {files} files are watched"),
        }
        let mut stirred = None;
        loop {
            sleep(LOOK).await;
            let files = self.watched();
            let Ok(now) = tokio::task::spawn_blocking(move || look_at(files)).await else { continue };
            let Some(changed) = self.first_difference(&now) else {
                stirred = None;
                continue;
            };
            // Whoever writes a file may need some time: it is read when it has come to rest.
            if stirred.as_ref() != Some(&now) {
                stirred = Some(now);
                continue;
            }
            stirred = None;
            let reason = format!("{} has changed", changed.display());
            self.reload_unasked(&handle, "watch on the configuration", reason).await;
        }
    }

    fn watched(&self) -> Vec<PathBuf> {
        self.state().seen.keys().cloned().collect()
    }

    fn first_difference(&self, now: &Seen) -> Option<PathBuf> {
        let state = self.state();
        now.iter().find(|(file, identity)| state.seen.get(*file) != Some(*identity)).map(|(file, _)| file.clone())
    }

    /// What the loader found worth saying, and what a reload does not reach.
    fn remarks(&self, loaded: &Loaded) -> Vec<String> {
        let mut remarks: Vec<_> = loaded.warnings.iter().map(sentence).collect();
        let differs = self
            .state()
            .hardware
            .as_ref()
            .is_some_and(|(bindings, sim)| *bindings != loaded.bindings || *sim != loaded.sim);
        if differs {
            remarks.push(
                "the board file differs in how its hardware is reached: that holds when ubmcd is started anew"
                    .to_owned(),
            );
        }
        remarks
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete in itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `${VAR}` stands for.
fn variables() -> BTreeMap<String, String> {
    let mut vars: BTreeMap<_, _> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    if let Some(dir) = env::current_exe().ok().as_deref().and_then(Path::parent).and_then(Path::to_str) {
        // The helper programs of the shipped boards lie beside the daemon.
        vars.insert("UBMC_BIN_DIR".to_owned(), dir.to_owned());
    }
    vars
}

fn look_at(files: Vec<PathBuf>) -> Seen {
    files.into_iter().map(|file| (file.clone(), Identity::of(&file))).collect()
}

impl Identity {
    /// None: it is not there, or may not be looked at.
    fn of(file: &Path) -> Option<Self> {
        let meta = fs::metadata(file).ok()?;
        Some(Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        })
    }
}

/// `services.toml:3:7`; as much of it as there is.
fn place(problem: &Diagnostic) -> String {
    match (problem.file.as_str(), problem.line) {
        ("", _) => "configuration".to_owned(),
        (file, 0) => file.to_owned(),
        (file, line) => format!("{file}:{line}:{}", problem.column),
    }
}

fn sentence(problem: &Diagnostic) -> String {
    let help = problem.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
    match place(problem).as_str() {
        "configuration" => format!("{}{help}", problem.message),
        place => format!("{place}: {}{help}", problem.message),
    }
}

/// One for each error.
fn obstacles(problems: &Diagnostics) -> Vec<Obstacle> {
    let obstacle = |subject, text, remedy| Obstacle { kind: "configuration", subject, text, remedy, since: None };
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let mut found: Vec<_> = errors
        .take(MOST_TOLD)
        .map(|problem| {
            let remedy = problem.help.clone().unwrap_or_else(|| problem.label.clone());
            obstacle(place(problem), problem.message.clone(), remedy)
        })
        .collect();
    let rest = problems.errors().saturating_sub(found.len());
    if rest > 0 {
        let remedy = "`ubmcd --check` with the daemon's arguments shows all of them";
        found.push(obstacle("configuration".to_owned(), format!("there are {rest} more errors"), remedy.to_owned()));
    }
    found
}
