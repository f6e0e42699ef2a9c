//! How many bytes the line takes now.
//!
//! What is sent lies in buffers between here and the screen: on a slow line, for seconds. So no more is sent than the
//! line has carried. Two budgets:
//!
//! - the *line*: bytes a second, with a small reserve, for everything;
//! - the *background*: a fifth of it, for what nobody asked for (changing values). The rest is kept free, so that a key is
//!   answered at once.

use crate::model::Mono;

/// Who is waiting for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nobody: values have changed.
    Background,
    /// An operator: a key was pressed, or the screen is incomplete.
    Answer,
}

/// The share of the line for what nobody asked for.
const BACKGROUND_SHARE: f64 = 0.2;
/// Never more a second than this for the background, however fast the line: more cannot be read.
const BACKGROUND_MOST: f64 = 2_000.0;
/// What may be on its way at once, in seconds of the line: longer is felt as a lag.
const RESERVE_S: f64 = 0.15;
/// A budget below this is not worth a frame: moving the cursor would eat it.
const LEAST: f64 = 40.0;
/// Seconds between two frames that nobody waits for.
const BACKGROUND_EVERY_S: f64 = 0.5;
/// Seconds between two frames in any case.
const ANSWER_EVERY_S: f64 = 0.02;

/// Gives out bytes.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Bytes a second. None: as many as the terminal takes.
    rate: Option<f64>,
    line: f64,
    background: f64,
    refilled: Mono,
    last_frame: Option<Mono>,
    sent: std::collections::VecDeque<(Mono, usize)>,
}

impl Pace {
    /// For a line of so many bits a second; None: not a line that one could fill.
    pub fn new(baud: Option<u32>) -> Self {
        // A start bit, eight data bits, a stop bit.
        let rate = baud.map(|baud| (f64::from(baud) / 10.0).max(10.0));
        let full = rate.unwrap_or(0.0) * RESERVE_S;
        Self {
            rate,
            line: full.max(LEAST),
            background: 0.0,
            refilled: Mono::default(),
            last_frame: None,
            sent: std::collections::VecDeque::new(),
        }
    }

    fn background_rate(rate: f64) -> f64 {
        (rate * BACKGROUND_SHARE).min(BACKGROUND_MOST)
    }

    /// How many bytes a frame may have now; 0: none may be sent.
    pub fn allowance(&mut self, now: Mono, urgency: Urgency) -> usize {
        let every = match urgency {
            Urgency::Background => BACKGROUND_EVERY_S,
            Urgency::Answer => ANSWER_EVERY_S,
        };
        if self.last_frame.is_some_and(|last| now.since(last) < every) {
            return 0;
        }
        let Some(rate) = self.rate else { return usize::MAX };
        let passed = now.since(self.refilled);
        self.refilled = now;
        self.line = (self.line + rate * passed).min((rate * RESERVE_S).max(LEAST));
        // A second's worth may be saved up, so that the clock's tick finds its few bytes.
        let background = Self::background_rate(rate);
        self.background = (self.background + background * passed).min(background.max(LEAST));
        let free = match urgency {
            Urgency::Answer => self.line,
            Urgency::Background => self.line.min(self.background),
        };
        if free < LEAST { 0 } else { whole(free) }
    }

    /// So many bytes were sent.
    pub fn sent(&mut self, now: Mono, bytes: usize, urgency: Urgency) {
        self.last_frame = Some(now);
        self.line -= bytes as f64;
        if urgency == Urgency::Background {
            self.background -= bytes as f64;
        }
        self.sent.push_back((now, bytes));
        self.forget(now);
    }

    /// When the next frame of this urgency may be worth trying.
    pub fn next(&self, now: Mono, urgency: Urgency) -> Mono {
        let every = match urgency {
            Urgency::Background => BACKGROUND_EVERY_S,
            Urgency::Answer => ANSWER_EVERY_S,
        };
        let spaced = self.last_frame.map_or(now, |last| last.after(every));
        let Some(rate) = self.rate else { return spaced };
        let line = (LEAST - self.line).max(0.0) / rate;
        let wait = match urgency {
            Urgency::Answer => line,
            Urgency::Background => line.max((LEAST - self.background).max(0.0) / Self::background_rate(rate)),
        };
        let filled = self.refilled.after(wait + 0.001);
        if filled > spaced { filled } else { spaced }
    }

    /// Bytes a second, over the last ten seconds.
    pub fn rate_now(&mut self, now: Mono) -> f64 {
        self.forget(now);
        self.sent.iter().map(|(_, bytes)| *bytes as f64).sum::<f64>() / WINDOW_S
    }

    fn forget(&mut self, now: Mono) {
        while self.sent.front().is_some_and(|(at, _)| now.since(*at) > WINDOW_S) {
            self.sent.pop_front();
        }
    }
}

/// Over how many seconds the shown rate is taken.
const WINDOW_S: f64 = 10.0;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and bounded by the reserve
fn whole(bytes: f64) -> usize {
    bytes as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as much as is allowed for ten seconds; the answer is bytes a second.
    fn greedy(baud: u32, urgency: Urgency) -> f64 {
        let mut pace = Pace::new(Some(baud));
        let mut total = 0;
        for step in 0..10_000 {
            let now = Mono(f64::from(step) * 0.001);
            let allowed = pace.allowance(now, urgency);
            if allowed > 0 {
                pace.sent(now, allowed, urgency);
                total += allowed;
            }
        }
        total as f64 / 10.0
    }

    #[test]
    fn no_more_is_sent_than_the_line_carries() {
        for baud in [1_200, 9_600, 115_200] {
            let line = f64::from(baud) / 10.0;
            let answer = greedy(baud, Urgency::Answer);
            assert!((line * 0.9..=line * 1.05).contains(&answer), "{baud}: {answer}");
            let background = greedy(baud, Urgency::Background);
            assert!(background <= (line * 0.2).clamp(1.0, 2_000.0) * 1.1 + 4.0, "{baud}: {background}");
            assert!(background > 0.0, "{baud}");
        }
    }

    #[test]
    fn a_key_finds_room_however_much_changes_in_the_background() {
        let mut pace = Pace::new(Some(9_600));
        for step in 0..5_000 {
            let now = Mono(f64::from(step) * 0.001);
            let allowed = pace.allowance(now, Urgency::Background);
            if allowed > 0 {
                pace.sent(now, allowed, Urgency::Background);
            }
        }
        let pressed = Mono(5.0);
        let answered = (0..300)
            .map(|step| pressed.after(f64::from(step) * 0.001))
            .find(|now| pace.allowance(*now, Urgency::Answer) > 0);
        assert!(answered.is_some_and(|now| now.since(pressed) < 0.1), "{answered:?}");
    }

    #[test]
    fn a_fast_terminal_is_not_flooded_either() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.allowance(Mono(0.0), Urgency::Background), usize::MAX);
        pace.sent(Mono(0.0), 5_000, Urgency::Background);
        assert_eq!(pace.allowance(Mono(0.1), Urgency::Background), 0);
        assert_eq!(pace.allowance(Mono(0.1), Urgency::Answer), usize::MAX);
        assert_eq!(pace.next(Mono(0.1), Urgency::Background), Mono(0.5));
    }
}
