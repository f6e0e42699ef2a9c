//! Everybody who takes part in a figure, in one run. A peer that is not there, cannot do it or fails at it leaves a note
//! in its place; the floor and the product have to be there.

use std::{collections::BTreeMap, os::fd::OwnedFd, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    Bench, Failure,
    bare::Bare,
    board::Board,
    clock::{Moment, pause},
    contender::{Begin, Contender},
    peers::{self, Kind, Peer},
    plan::{Plan, Shape},
    ring::{Mark, Ring},
    table::{Rank, Row},
    ubmcd::{Booted, Ubmcd},
};

/// How long a contender may take for a start or a stop. Whoever takes longer has no figure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One life of every service.
pub type Lives = BTreeMap<u32, Mark>;

/// One who takes part, with a ring that nobody else marks.
pub struct Entrant {
    contender: Box<dyn Contender>,
    ring: Ring,
    plan: Plan,
}

impl Entrant {
    /// Starts everything and waits for the last first instruction: milliseconds.
    pub fn start(&mut self) -> Result<(f64, Lives), Failure> {
        let first = self.ring.count()?;
        let begun = self.contender.start()?;
        let lives = self.ring.await_lives(first, self.plan.count as usize, PATIENCE)?;
        let last = lives.values().map(|life| life.at).max().unwrap_or(begun);
        Ok((last.ms_since(begun), lives))
    }

    /// Stops everything and waits for the last end: milliseconds.
    pub fn stop(&mut self, lives: &Lives) -> Result<f64, Failure> {
        let failed = || Failure::os("a service cannot be watched");
        let watched: Vec<OwnedFd> = lives
            .values()
            .filter_map(|life| Pid::from_raw(life.pid))
            .map(|pid| pidfd_open(pid, PidfdFlags::empty()).map_err(failed()))
            .collect::<Result<_, _>>()?;
        let begun = self.contender.stop()?;
        let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
        for pidfd in &watched {
            // Readable once the process has ended; whoever ended before does not make us wait.
            if poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&patience)).map_err(failed())? == 0 {
                return Err(Failure::Never("all services end".to_owned()));
            }
        }
        let ended = Moment::now();
        self.contender.settle()?;
        Ok(ended.ms_since(begun))
    }

    /// Kills a service and waits for its next life: milliseconds, and that life.
    pub fn crash(&mut self, life: &Mark) -> Result<(f64, Mark), Failure> {
        let first = self.ring.count()?;
        let at = self.contender.crash(life)?;
        let next = self.ring.await_life(first, life.index, PATIENCE)?;
        Ok((next.at.ms_since(at), next))
    }

    /// Leaves it alone for as long as it needs between a start and a stop.
    pub fn rest(&self) {
        pause(self.contender.rest());
    }

    /// The contender itself.
    pub fn contender(&self) -> &dyn Contender {
        self.contender.as_ref()
    }
}

/// A place in the field: taken, or lost with a reason.
struct Place {
    name: &'static str,
    rank: Rank,
    entrant: Option<Entrant>,
    out: bool,
    notes: Vec<String>,
    samples: BTreeMap<&'static str, Vec<f64>>,
}

/// What a turn may write down of who has it.
pub struct Notes<'a> {
    place: &'a mut Place,
}

impl Notes<'_> {
    /// One more measurement of a kind.
    pub fn sample(&mut self, kind: &'static str, value: f64) {
        self.place.samples.entry(kind).or_default().push(value);
    }

    /// What is to be known; said once.
    pub fn say(&mut self, note: String) {
        self.place.note(note);
    }
}

/// Everybody, the floor first.
pub struct Field {
    places: Vec<Place>,
}

/// Who can take part.
#[derive(Clone, Copy)]
enum Who {
    Bare,
    Ubmcd(Board),
    Peer(&'static dyn Kind),
}

impl Who {
    /// The floor first. Peers that nobody wants were named before, and are no news in every table.
    fn everybody(bench: &Bench, begin: Begin) -> Vec<Self> {
        let floor = (begin == Begin::Asked).then_some(Self::Bare);
        let ours = [Self::Ubmcd(Board::WithoutHardware), Self::Ubmcd(Board::Quiet)];
        let peers = peers::ALL.into_iter().filter(|kind| bench.peers.wants(kind.name())).map(Self::Peer);
        floor.into_iter().chain(ours).chain(peers).collect()
    }

    fn place(self) -> Place {
        let (name, rank) = match self {
            Self::Bare => ("bare", Rank::Floor),
            Self::Ubmcd(Board::WithoutHardware) => ("ubmcd", Rank::Ours),
            Self::Ubmcd(Board::Quiet | Board::Full { .. } | Board::Quick) => ("ubmcd sim-2u", Rank::Ours),
            Self::Peer(kind) => (kind.name(), Rank::Peer),
        };
        Place { name, rank, entrant: None, out: false, notes: Vec::new(), samples: BTreeMap::new() }
    }

    fn obstacle(self, bench: &Bench, plan: &Plan) -> Option<String> {
        let Self::Peer(kind) = self else { return None };
        if plan.shape != Shape::Independent && !kind.orders() {
            return Some("knows no dependencies".to_owned());
        }
        peers::missing(bench, kind)
    }

    fn enter(self, bench: &Bench, plan: &Plan, begin: Begin) -> Result<Entrant, Failure> {
        let ring = Ring::create(&bench.rings)?;
        let contender: Box<dyn Contender> = match (self, begin) {
            (Self::Bare, _) => Box::new(Bare::new(bench, plan, &ring)?),
            (Self::Ubmcd(board), Begin::Asked) => Box::new(Ubmcd::launch(bench, board, plan, &ring)?),
            (Self::Ubmcd(board), Begin::Launched) => Box::new(Booted::new(bench, board, plan, &ring)?),
            (Self::Peer(kind), _) => Box::new(Peer::enter(bench, kind, plan, &ring, begin)?),
        };
        Ok(Entrant { contender, ring, plan: *plan })
    }
}

impl Field {
    /// Everybody who can run a plan, side by side. Supervisors run from here on.
    pub fn assemble(bench: &Bench, plan: &Plan, begin: Begin) -> Result<Self, Failure> {
        let mut places = Vec::new();
        for who in Who::everybody(bench, begin) {
            let mut place = who.place();
            place.enter(who, bench, plan, begin)?;
            places.push(place);
        }
        Ok(Self { places })
    }

    /// Everybody who can run a plan, one after the other, in so many rounds: nobody else is there during a turn.
    pub fn alone(
        bench: &Bench,
        plan: &Plan,
        rounds: usize,
        mut act: impl FnMut(&mut Entrant, &mut Notes<'_>) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let everybody = Who::everybody(bench, Begin::Asked);
        let mut field = Self { places: everybody.iter().map(|who| who.place()).collect() };
        for _ in 0..rounds {
            for (who, place) in everybody.iter().zip(&mut field.places) {
                place.enter(*who, bench, plan, Begin::Asked)?;
                place.turn(&mut act)?;
                place.entrant = None;
            }
        }
        Ok(field)
    }

    /// One turn of everybody who is still there, in order.
    pub fn turn(
        &mut self,
        mut act: impl FnMut(usize, &mut Entrant, &mut Notes<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (index, place) in self.places.iter_mut().enumerate() {
            place.turn(|entrant, notes| act(index, entrant, notes))?;
        }
        Ok(())
    }

    /// How many places there are: `turn` counts below that.
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// One kind of measurement of everybody.
    pub fn rows(&self, kind: &'static str) -> Vec<Row> {
        let row = |place: &Place| Row {
            contender: place.name.to_owned(),
            rank: place.rank,
            samples: place.samples.get(kind).cloned().unwrap_or_default(),
            notes: place.notes.clone(),
        };
        self.places.iter().map(row).collect()
    }
}

impl Place {
    /// Takes the place, unless it is known to be lost.
    fn enter(&mut self, who: Who, bench: &Bench, plan: &Plan, begin: Begin) -> Result<(), Failure> {
        if self.out {
            return Ok(());
        }
        if let Some(obstacle) = who.obstacle(bench, plan) {
            self.out = true;
            self.note(obstacle);
            return Ok(());
        }
        match who.enter(bench, plan, begin) {
            Ok(entrant) => {
                if let Some(remark) = entrant.contender.remark() {
                    self.note(remark.to_owned());
                }
                self.entrant = Some(entrant);
                Ok(())
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn turn(&mut self, act: impl FnOnce(&mut Entrant, &mut Notes<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let Some(mut entrant) = self.entrant.take() else { return Ok(()) };
        match act(&mut entrant, &mut Notes { place: self }) {
            Ok(()) => {
                self.entrant = Some(entrant);
                Ok(())
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A peer leaves, with what it did wrong instead of its figures; everybody else has to get through.
    fn fail(&mut self, failure: Failure) -> Result<(), Failure> {
        if self.rank != Rank::Peer {
            return Err(failure);
        }
        self.out = true;
        self.samples.clear();
        self.note(format!("failed: {failure}"));
        Ok(())
    }
}
