//! What the guardian decides: who has the fans, whether the watchdog is fed, and when it is over. Pure: moments and
//! happenings in, actions out.
//!
//! ```text
//!           hello, nobody drives               beat that drives
//!   Fresh ─────────────────────────▶ InCharge ─────────────────▶ Watching
//!     │ hello, the fans are driven       ▲                        │    │
//!     └──────────────────────────────────┼────────────────────────┘    │
//!                                        │ no beat, death, nobody drives
//!                                        ◀─────────────────────────────┤
//!                                        │ time is up, and an heir     │ release
//!                                        │ has come                    ▼
//!                                        ◀────────────────────────── Holding ── time is up ──▶ Over (fail-safe, disarm)
//! ```
//!
//! - *ward*: the daemon that is watched over; it beats as long as its loop turns and its writes return.
//! - *beat that drives*: the ward says that it writes duties. One that says otherwise still feeds the watchdog: the daemon
//!   lives, but nobody cools.
//! - *holding*: the ward has left in order; its duties stand until its heir drives.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use ubmc_core::time::Mono;

/// While in charge, fail-safe duties are written this often: fan chips go to full speed by themselves when nobody talks to
/// them for some seconds, and one that did not take its duty is tried again.
const REWRITE: Duration = Duration::from_secs(1);
/// A guardian that nobody has asked for anything ends.
const UNWANTED: Duration = Duration::from_secs(10);
/// The watchdog is fed at most this often; the shortest time-out of common watchdogs is far longer.
const FEED: Duration = Duration::from_secs(1);

/// Why the guardian has taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The daemon has only just begun: nobody has driven the fans yet.
    Begin,
    /// The daemon has ended without a word.
    Died,
    /// The daemon has not beaten for too long: its loop, or a write to a fan, hangs.
    Silent,
    /// The daemon lives, but does not drive the fans.
    Undriven,
    /// The daemon had left in order, and nobody has taken over in time.
    NoHeir,
}

/// Who has the fans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has asked it to watch over anything.
    Fresh,
    /// The daemon drives them.
    Watching,
    /// The guardian: they are at their fail-safe.
    InCharge {
        /// Since when.
        since: Mono,
        /// Why.
        why: Why,
    },
    /// Nobody: they keep the duties that they were left with.
    Holding {
        /// Until then.
        until: Mono,
    },
    /// It is over.
    Over,
}

/// What happens to the guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A daemon asks it to watch over it.
    Hello {
        /// The daemon drives the fans already.
        driving: bool,
    },
    /// It goes on where another guardian was, which had the fans in this way.
    Inherit(Heritage),
    /// A beat of the ward.
    Beat {
        /// It drives the fans.
        driving: bool,
    },
    /// The ward leaves in order; the fans keep their duties for so long.
    Release {
        /// Zero: they go to fail-safe now.
        hold: Duration,
    },
    /// Another guardian has taken its place.
    Dismissed,
    /// The ward has ended, or its connection has.
    Lost,
    /// A signal asks it to end.
    Asked,
    /// It has lost its place, or no fan can be reached any more: without a ward nothing is left to be done.
    Futile,
    /// Time has passed.
    Tick,
}

/// How another guardian had the fans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heritage {
    /// It was in charge.
    InCharge {
        /// Why.
        why: Why,
        /// For how long.
        for_ms: u64,
    },
    /// It held them.
    Holding {
        /// For how long yet.
        left_ms: u64,
    },
}

/// What the guardian does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write every fan's fail-safe duty. `anew`: the takeover itself, which is logged.
    Failsafe {
        /// It has just taken over.
        anew: bool,
    },
    /// Begin no write to a fan any more: they are somebody else's.
    LetGo,
    /// Feed the watchdog.
    Feed,
    /// Disarm the watchdog.
    Disarm,
    /// Tell the ward that it has the fans no more.
    TellTaken(Why),
    /// Tell the ward that it has the fans again, and how long the guardian had them.
    TellRelieved(Why, Duration),
    /// End.
    End,
}

/// The guardian's state, and what it goes by.
#[derive(Clone, Debug)]
pub struct Watch {
    state: State,
    /// No beat for so long means that the ward hangs.
    silence: Duration,
    /// There is somebody to watch over.
    ward: bool,
    /// The newest beat.
    beat: Mono,
    /// The newest beat that drove.
    driven: Mono,
    /// When the fail-safe was written last.
    written: Mono,
    /// How long the guardian whose place this one takes had been in charge: longer than this clock may reach back.
    before: Duration,
    /// When the watchdog was fed last. Absent: not yet.
    fed: Option<Mono>,
    begun: Mono,
}

impl Watch {
    /// Nobody has asked for anything.
    pub fn new(now: Mono, silence: Duration) -> Self {
        Self {
            state: State::Fresh,
            silence,
            ward: false,
            beat: now,
            driven: now,
            written: now,
            before: Duration::ZERO,
            fed: None,
            begun: now,
        }
    }

    /// Who has the fans.
    pub fn state(&self) -> State {
        self.state
    }

    /// Nobody is watched over.
    pub fn is_alone(&self) -> bool {
        !self.ward
    }

    /// How a guardian that takes this one's place should have the fans. Absent: as its ward says.
    pub fn heritage(&self, now: Mono) -> Option<Heritage> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match self.state {
            State::InCharge { since, why } => Some(Heritage::InCharge { why, for_ms: millis(self.had(now, since)) }),
            State::Holding { until } => Some(Heritage::Holding { left_ms: millis(now.until(until)) }),
            State::Fresh | State::Watching | State::Over => None,
        }
    }

    /// When [`Happening::Tick`] is due. Absent: never.
    pub fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Fresh => Some(self.begun + UNWANTED),
            State::Watching => Some(self.beat.min(self.driven) + self.silence),
            State::InCharge { .. } => Some(self.written + REWRITE),
            State::Holding { until } => Some(self.fed.map_or(until, |fed| until.min(fed + FEED))),
            State::Over => None,
        }
    }

    /// What follows.
    pub fn handle(&mut self, now: Mono, happening: Happening) -> Vec<Action> {
        let mut actions = Vec::new();
        match happening {
            Happening::Hello { driving } => self.hello(now, driving, &mut actions),
            Happening::Inherit(heritage) => self.inherit(now, heritage, &mut actions),
            Happening::Beat { driving } => self.beaten(now, driving, &mut actions),
            Happening::Release { hold } => self.release(now, hold, &mut actions),
            Happening::Dismissed => self.end(&mut actions, &[Action::LetGo]),
            Happening::Lost => self.lost(now, &mut actions),
            Happening::Asked => self.asked(&mut actions),
            Happening::Futile if self.ward => {}
            Happening::Futile => {
                self.end(&mut actions, &[Action::Failsafe { anew: false }]);
            }
            Happening::Tick => {}
        }
        self.pass(now, &mut actions);
        actions
    }

    fn hello(&mut self, now: Mono, driving: bool, actions: &mut Vec<Action>) {
        self.ward = true;
        self.beat = now;
        self.driven = now;
        match self.state {
            State::Fresh if !driving => self.take_over(now, Why::Begin, actions),
            State::Fresh => self.state = State::Watching,
            // Whoever has come does not drive yet: until it does, all stays as it is.
            State::Watching if !driving => self.take_over(now, Why::Undriven, actions),
            State::Watching | State::InCharge { .. } | State::Holding { .. } | State::Over => {}
        }
    }

    fn inherit(&mut self, now: Mono, heritage: Heritage, actions: &mut Vec<Action>) {
        match heritage {
            Heritage::InCharge { why, for_ms } => {
                self.take_over(now, why, actions);
                self.before = Duration::from_millis(for_ms);
            }
            Heritage::Holding { left_ms } => {
                self.state = State::Holding { until: now + Duration::from_millis(left_ms) };
            }
        }
    }

    fn beaten(&mut self, now: Mono, driving: bool, actions: &mut Vec<Action>) {
        if !self.ward {
            return;
        }
        self.beat = now;
        self.feed(now, actions);
        if !driving {
            return;
        }
        self.driven = now;
        match self.state {
            State::InCharge { since, why } => {
                self.state = State::Watching;
                actions.extend([Action::LetGo, Action::TellRelieved(why, self.had(now, since))]);
            }
            State::Fresh | State::Holding { .. } => self.state = State::Watching,
            State::Watching | State::Over => {}
        }
    }

    fn release(&mut self, now: Mono, hold: Duration, actions: &mut Vec<Action>) {
        match self.state {
            State::Over => {}
            _ if hold.is_zero() => self.end(actions, &[Action::Failsafe { anew: true }, Action::Disarm]),
            State::Fresh | State::Watching | State::InCharge { .. } | State::Holding { .. } => {
                self.state = State::Holding { until: now + hold };
                // Whatever the fans are at is what they keep.
                actions.push(Action::LetGo);
            }
        }
    }

    fn lost(&mut self, now: Mono, actions: &mut Vec<Action>) {
        self.ward = false;
        match self.state {
            State::Watching => self.take_over(now, Why::Died, actions),
            State::InCharge { since, why: Why::Begin | Why::Silent | Why::Undriven } => {
                // What began as something else has become this: the watchdog is fed no more.
                self.state = State::InCharge { since, why: Why::Died };
            }
            State::Fresh => self.end(actions, &[]),
            State::InCharge { why: Why::Died | Why::NoHeir, .. } | State::Holding { .. } | State::Over => {}
        }
    }

    fn asked(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            // The ward has the fans, and another guardian made at once.
            State::Fresh | State::Watching => self.end(actions, &[]),
            State::InCharge { .. } => self.end(actions, &[Action::Failsafe { anew: false }]),
            State::Holding { .. } => self.end(actions, &[Action::Failsafe { anew: true }, Action::Disarm]),
            State::Over => {}
        }
    }

    /// What the time alone leads to.
    fn pass(&mut self, now: Mono, actions: &mut Vec<Action>) {
        match self.state {
            State::Fresh if now >= self.begun + UNWANTED => self.end(actions, &[]),
            State::Watching if now >= self.beat + self.silence => self.take_over(now, Why::Silent, actions),
            State::Watching if now >= self.driven + self.silence => self.take_over(now, Why::Undriven, actions),
            State::InCharge { .. } if now >= self.written + REWRITE => {
                self.written = now;
                actions.push(Action::Failsafe { anew: false });
            }
            State::Holding { until } if now >= until && self.ward => self.take_over(now, Why::NoHeir, actions),
            State::Holding { until } if now >= until => {
                self.end(actions, &[Action::Failsafe { anew: true }, Action::Disarm]);
            }
            // Nobody beats meanwhile, and that is in order.
            State::Holding { .. } => self.feed(now, actions),
            State::Fresh | State::Watching | State::InCharge { .. } | State::Over => {}
        }
    }

    fn take_over(&mut self, now: Mono, why: Why, actions: &mut Vec<Action>) {
        self.state = State::InCharge { since: now, why };
        self.before = Duration::ZERO;
        self.written = now;
        actions.push(Action::Failsafe { anew: true });
        if self.ward {
            actions.push(Action::TellTaken(why));
        }
    }

    /// How long the fans have been at their fail-safe.
    fn had(&self, now: Mono, since: Mono) -> Duration {
        self.before + now.since(since)
    }

    fn feed(&mut self, now: Mono, actions: &mut Vec<Action>) {
        if self.fed.is_none_or(|fed| now >= fed + FEED) {
            self.fed = Some(now);
            actions.push(Action::Feed);
        }
    }

    fn end(&mut self, actions: &mut Vec<Action>, last: &[Action]) {
        self.state = State::Over;
        actions.extend_from_slice(last);
        actions.push(Action::End);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_millis(700);

    /// Lines of `TIME_MS happening [word] -> actions`, `-` for none; time passes in ticks, as the process lets it.
    #[track_caller]
    fn check(script: &str) {
        let mut watch = Watch::new(Mono::ZERO, SILENCE);
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (said, expected) = line.split_once("->").unwrap();
            let words: Vec<_> = said.split_whitespace().collect();
            let at = Mono::from_millis(words[0].parse().unwrap());
            let mut done = Vec::new();
            while let Some(due) = watch.deadline().filter(|due| *due < at) {
                done.extend(
                    watch.handle(due, Happening::Tick).iter().map(|action| format!("{}:{action}", due.as_millis())),
                );
            }
            let number = || Duration::from_millis(words[2].parse().unwrap());
            let happening = match words[1] {
                "hello" => Happening::Hello { driving: words[2] == "driving" },
                "beat" => Happening::Beat { driving: words.get(2) != Some(&"idle") },
                "release" => Happening::Release { hold: number() },
                "holding" => Happening::Inherit(Heritage::Holding { left_ms: words[2].parse().unwrap() }),
                "in-charge" => {
                    Happening::Inherit(Heritage::InCharge { why: Why::Died, for_ms: words[2].parse().unwrap() })
                }
                "dismissed" => Happening::Dismissed,
                "lost" => Happening::Lost,
                "asked" => Happening::Asked,
                "futile" => Happening::Futile,
                "tick" => Happening::Tick,
                other => panic!("{other}"),
            };
            done.extend(watch.handle(at, happening).iter().map(ToString::to_string));
            assert_eq!(done.join(" "), expected.trim().trim_start_matches('-'), "{line}");
        }
    }

    trait Millis {
        fn as_millis(&self) -> u128;
    }

    impl Millis for Mono {
        fn as_millis(&self) -> u128 {
            self.since_origin().as_millis()
        }
    }

    impl std::fmt::Display for Action {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            match self {
                Self::Failsafe { anew: true } => f.write_str("FAILSAFE"),
                Self::Failsafe { anew: false } => f.write_str("failsafe"),
                Self::LetGo => f.write_str("let-go"),
                Self::Feed => f.write_str("feed"),
                Self::Disarm => f.write_str("disarm"),
                Self::TellTaken(why) => write!(f, "taken({why:?})"),
                Self::TellRelieved(why, held) => write!(f, "relieved({why:?},{})", held.as_millis()),
                Self::End => f.write_str("end"),
            }
        }
    }

    #[test]
    fn death_leads_to_fail_safe_at_once_and_again_every_second_and_the_watchdog_starves() {
        check(
            "0    hello driving -> -
             250  beat          -> feed
             500  beat          -> -
             501  lost          -> FAILSAFE
             3600 tick          -> 1501:failsafe 2501:failsafe 3501:failsafe",
        );
    }

    #[test]
    fn a_ward_that_hangs_loses_the_fans_until_it_beats_again() {
        check(
            "0    hello driving -> -
             250  beat          -> feed
             949  tick          -> -
             950  tick          -> FAILSAFE taken(Silent)
             2000 tick          -> 1950:failsafe
             2300 beat          -> feed let-go relieved(Silent,1350)
             2999 tick          -> -
             3000 tick          -> FAILSAFE taken(Silent)
             3100 lost          -> -
             4001 tick          -> 4000:failsafe",
        );
    }

    #[test]
    fn nobody_who_drives_means_fail_safe_but_the_watchdog_is_fed() {
        check(
            "0    hello idle -> FAILSAFE taken(Begin)
             250  beat idle  -> feed
             500  beat       -> let-go relieved(Begin,500)
             750  beat idle  -> -
             1000 beat idle  -> -
             1250 beat idle  -> 1200:FAILSAFE 1200:taken(Undriven) feed
             1500 beat       -> let-go relieved(Undriven,300)",
        );
    }

    #[test]
    fn an_end_in_order_leaves_the_duties_alone_until_an_heir_drives() {
        check(
            "0     hello driving -> -
             250   beat          -> feed
             300   release 10000 -> let-go
             310   lost          -> -
             2000  tick          -> 1250:feed
             3000  hello idle    -> 2250:feed
             3200  beat idle     -> -
             3500  beat          -> 3250:feed
             4250  tick          -> 4200:FAILSAFE 4200:taken(Silent)",
        );
    }

    #[test]
    fn without_an_heir_all_is_made_safe_and_it_ends() {
        check(
            "0     hello driving -> -
             100   beat          -> feed
             300   release 2000  -> let-go
             310   lost          -> -
             9000  tick          -> 1100:feed 2100:feed 2300:FAILSAFE 2300:disarm 2300:end",
        );
    }

    #[test]
    fn an_heir_that_does_not_drive_in_time_finds_the_guardian_in_charge() {
        check(
            "0     hello driving -> -
             100   release 1000  -> let-go feed
             110   lost          -> -
             600   hello idle    -> -
             1050  beat idle     -> -
             1300  beat idle     -> 1100:FAILSAFE 1100:taken(NoHeir) feed
             1400  beat          -> let-go relieved(NoHeir,300)",
        );
    }

    #[test]
    fn a_release_without_a_hold_is_the_end() {
        check(
            "0     hello driving -> -
             250   beat          -> feed
             300   release 0     -> FAILSAFE disarm end
             310   lost          -> -
             9000  tick          -> -",
        );
    }

    #[test]
    fn whoever_takes_the_place_of_another_goes_on_where_that_was() {
        check(
            "0     in-charge 5000 -> FAILSAFE
             1     hello idle     -> -
             100   beat           -> feed let-go relieved(Died,5100)",
        );
        check(
            "0     holding 2000   -> feed
             1     hello idle     -> -
             100   beat           -> -
             250   dismissed      -> let-go end",
        );
    }

    #[test]
    fn what_nobody_wants_or_nothing_can_come_of_ends() {
        check("20000 tick -> 10000:end");
        check(
            "0    hello driving -> -
             1    futile        -> -
             2    lost          -> FAILSAFE
             3    futile        -> failsafe end",
        );
        check(
            "0    hello driving -> -
             1    asked         -> end",
        );
        check(
            "0    hello driving  -> -
             1    release 10000  -> let-go feed
             2    asked          -> FAILSAFE disarm end",
        );
        check(
            "0    hello driving  -> -
             1    lost           -> FAILSAFE
             2    asked          -> failsafe end",
        );
    }
}
