//! Whether a service that fails again and again is ever given up: its restart limit trips only when the failures come
//! faster than the window is long.
//!
//! ```text
//!  failure 1        failure 2               failure burst + 1: given up,
//!     │── delay ── life ──│── delay ── life ──│   if all of them lie within the window
//! ```
//!
//! A life is as long as it takes to fail: nothing for a crash at once, but the whole start time-out for a start that
//! hangs, and all retries for a service that stops answering.

use std::time::Duration;

use ubmc_core::services::{HealthCheck, HealthSpec, Readiness, RestartPolicy, RestartSpec, Run, ServiceSpec};

use crate::board::quantity::MAX_SECONDS;

/// Burst of a service whose restarts nothing limits.
pub(super) const UNLIMITED: u32 = u32::MAX;

/// Window of such a service: of restarts that are not counted none need to be remembered.
pub(super) const NO_WINDOW: Duration = Duration::from_secs(1);

/// One way to fail again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// It ends as soon as it is started.
    AtOnce,
    /// It never gets ready.
    AtStart,
    /// It gets ready and then bad health.
    InHealth,
}

/// How long it takes from one start to the failure after it, in that way: at least, and at most.
struct Life {
    way: Failing,
    shortest: Duration,
    longest: Duration,
}

fn lives(spec: &ServiceSpec) -> Vec<Life> {
    let begin = spec.start_delay;
    let mut lives = vec![Life { way: Failing::AtOnce, shortest: begin, longest: begin }];
    let may_hang = matches!(spec.run, Run::Oneshot { .. })
        || matches!(spec.readiness, Readiness::Notify | Readiness::Fd(_) | Readiness::Check);
    if may_hang {
        let shortest = begin + spec.start_timeout;
        lives.push(Life { way: Failing::AtStart, shortest, longest: shortest + spec.stop_timeout });
    }
    if let (Some(health), Run::LongRunning) = (&spec.health, spec.run) {
        let (quick, slow) = match spec.readiness {
            Readiness::Delay(delay) => (delay, delay),
            _ if may_hang => (Duration::ZERO, spec.start_timeout),
            _ => (Duration::ZERO, Duration::ZERO),
        };
        let (shortest, longest) = until_unhealthy(health);
        let longest = begin + slow + longest + spec.stop_timeout;
        lives.push(Life { way: Failing::InHealth, shortest: begin + quick + shortest, longest });
    }
    lives
}

/// From being ready to being unhealthy: when every check fails at once, and when each takes its whole time-out.
fn until_unhealthy(health: &HealthSpec) -> (Duration, Duration) {
    let times = |each: Duration| each.saturating_mul(health.retries);
    let shortest = times(health.interval);
    let longest =
        if *health.check == HealthCheck::Heartbeat { shortest } else { times(health.interval + health.timeout) };
    (shortest, longest)
}

/// Whether the service has a limit at all.
pub(super) fn is_limited(spec: &RestartSpec) -> bool {
    spec.policy != RestartPolicy::Never && spec.burst != 0 && spec.burst != UNLIMITED
}

/// How long as many failures as are allowed and the one that is too many lie apart. `swing`: how jitter falls, −1–1.
fn span(spec: &RestartSpec, life: Duration, swing: f64) -> f64 {
    let (life, longest) = (life.as_secs_f64(), spec.max_delay.max(spec.delay).as_secs_f64());
    // Who was up long enough starts over with the first delay.
    let factor = if life >= spec.reset_after.as_secs_f64() { 1.0 } else { spec.factor };
    let swing = 1.0 + swing * spec.jitter.clamp(0.0, 1.0);
    let (delay, burst) = (spec.delay.as_secs_f64(), f64::from(spec.burst));
    // So many delays grow; those that follow are all as long as the longest.
    let growing =
        if factor > 1.0 && delay > 0.0 { (longest / delay).log(factor).ceil().clamp(0.0, burst) } else { 0.0 };
    let grown = if growing > 0.0 { delay * (factor.powf(growing) - 1.0) / (factor - 1.0) } else { 0.0 };
    let rest = if factor > 1.0 && delay > 0.0 { longest } else { delay };
    (grown + (burst - growing) * rest) * swing + burst * life
}

/// The ways in which the service may fail for ever without being given up, each with the seconds that the failures that
/// count take at least.
pub(super) fn never_trips(spec: &ServiceSpec) -> Vec<(Failing, f64)> {
    if !is_limited(&spec.restart) {
        return Vec::new();
    }
    let window = spec.restart.window.as_secs_f64();
    lives(spec)
        .into_iter()
        .map(|life| (life.way, span(&spec.restart, life.shortest, -1.0)))
        .filter(|(_, least)| *least >= window)
        .collect()
}

/// The window of a service that names none: the usual one, or longer where its own times need more for the limit to trip.
pub(super) fn fitting_window(spec: &ServiceSpec) -> Duration {
    let usual = RestartSpec::default().window;
    let needed = lives(spec).into_iter().map(|life| span(&spec.restart, life.longest, 1.0)).fold(0.0, f64::max);
    if needed < usual.as_secs_f64() {
        return usual;
    }
    Duration::from_secs_f64((needed.floor() + 1.0).min(MAX_SECONDS))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ubmc_core::{
        rng::Rng,
        services::{
            Binary, Deployment,
            restart::{RestartBook, Verdict},
        },
        time::Mono,
    };

    use super::*;

    fn service(readiness: Readiness, restart: RestartSpec) -> ServiceSpec {
        let deployment = Deployment::Binary(Arc::new(Binary::default()));
        ServiceSpec { readiness, restart, ..ServiceSpec::new("x", deployment) }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn health(interval: u64, retries: u32) -> HealthSpec {
        let check = Arc::new(HealthCheck::Tcp { host: "localhost".to_owned(), port: 1 });
        HealthSpec { check, interval: seconds(interval), retries, timeout: seconds(5) }
    }

    fn limit(burst: u32, window: u64) -> RestartSpec {
        RestartSpec { burst, window: seconds(window), jitter: 0.0, ..RestartSpec::default() }
    }

    #[track_caller]
    fn check(spec: &ServiceSpec, expected: &[(Failing, f64)]) {
        assert_eq!(never_trips(spec), expected, "{:?}", spec.restart);
    }

    #[test]
    fn delays_grow_to_their_cap_and_no_further() {
        // 1 + 2 + 4 + 8 + 16 = 31; 1 + 2 + 4 + 5 + 5 = 17
        check(&service(Readiness::Exec, limit(5, 31)), &[(Failing::AtOnce, 31.0)]);
        check(&service(Readiness::Exec, limit(5, 32)), &[]);
        let capped = RestartSpec { max_delay: seconds(5), ..limit(5, 17) };
        check(&service(Readiness::Exec, capped.clone()), &[(Failing::AtOnce, 17.0)]);
        check(&service(Readiness::Exec, RestartSpec { window: seconds(18), ..capped }), &[]);
        let even = RestartSpec { factor: 1.0, delay: seconds(10), ..limit(10, 60) };
        check(&service(Readiness::Exec, even), &[(Failing::AtOnce, 100.0)]);
    }

    #[test]
    fn jitter_may_make_every_delay_as_short_as_it_can() {
        let jittery = RestartSpec { jitter: 0.5, ..limit(5, 16) };
        check(&service(Readiness::Exec, jittery.clone()), &[]);
        check(&service(Readiness::Exec, RestartSpec { window: seconds(15), ..jittery }), &[(Failing::AtOnce, 15.5)]);
    }

    #[test]
    fn starts_that_hang_take_their_time_out_each() {
        // 5 × 30 s and 31 s of delays.
        for readiness in [Readiness::Notify, Readiness::Fd(3), Readiness::Check] {
            check(&service(readiness, limit(5, 60)), &[(Failing::AtStart, 181.0)]);
            check(&service(readiness, limit(5, 182)), &[]);
        }
        check(&service(Readiness::Delay(seconds(29)), limit(5, 60)), &[]);
        let oneshot = ServiceSpec { run: Run::Oneshot { once_per: None }, ..service(Readiness::Exec, limit(5, 60)) };
        check(&oneshot, &[(Failing::AtStart, 181.0)]);
        let delayed = ServiceSpec { start_delay: seconds(10), ..service(Readiness::Exec, limit(5, 60)) };
        check(&delayed, &[(Failing::AtOnce, 81.0)]);
    }

    #[test]
    fn bad_health_takes_its_retries_each() {
        let spec = ServiceSpec { health: Some(health(10, 3)), ..service(Readiness::Exec, limit(3, 60)) };
        check(&spec, &[(Failing::InHealth, 97.0)]);
        // Up for longer than it takes to start over with the first delay.
        let slow = ServiceSpec { health: Some(health(20, 3)), ..spec.clone() };
        check(&slow, &[(Failing::InHealth, 183.0)]);
        check(&ServiceSpec { health: Some(health(1, 3)), ..spec }, &[]);
    }

    #[test]
    fn no_limit_is_no_limit_that_cannot_trip() {
        let slow = RestartSpec { delay: seconds(1000), max_delay: seconds(1000), ..limit(5, 60) };
        check(&service(Readiness::Exec, RestartSpec { policy: RestartPolicy::Never, ..slow.clone() }), &[]);
        check(&service(Readiness::Exec, RestartSpec { burst: 0, ..slow.clone() }), &[]);
        check(&service(Readiness::Exec, RestartSpec { burst: UNLIMITED, ..slow }), &[]);
    }

    #[test]
    fn a_window_that_nobody_named_lets_the_limit_trip_in_every_way() {
        let bursts = [0, 1, 3, 5, 50, 1_000_000];
        let readinesses = [Readiness::Exec, Readiness::Notify, Readiness::Delay(seconds(20))];
        for (burst, readiness) in bursts.into_iter().flat_map(|burst| readinesses.map(|ready| (burst, ready))) {
            for health in [None, Some(health(10, 3)), Some(health(60, 10))] {
                let mut spec = ServiceSpec { health, ..service(readiness, RestartSpec { burst, ..limit(0, 60) }) };
                spec.restart.jitter = 0.4;
                spec.restart.window = fitting_window(&spec);
                assert!(spec.restart.window >= seconds(60));
                if burst < 1000 {
                    check(&spec, &[]);
                }
            }
        }
        assert_eq!(fitting_window(&service(Readiness::Exec, RestartSpec::default())), seconds(60));
    }

    /// The supervisor counts as this file does.
    #[test]
    fn what_is_said_here_is_what_the_restart_book_does() {
        for (window, burst, life) in
            [(60, 5, 0), (31, 5, 0), (32, 5, 0), (182, 5, 30), (181, 5, 30), (97, 3, 30), (98, 3, 30)]
        {
            let spec = limit(burst, window);
            let (mut book, mut rng, mut now) = (RestartBook::default(), Rng::new(1), Mono::from_millis(0));
            let given_up = (0..1000).any(|_| match book.failed(&spec, now, seconds(life), &mut rng) {
                Verdict::Retry(delay) => {
                    now = now + delay + seconds(life);
                    false
                }
                Verdict::Exhausted => true,
            });
            let trips = span(&spec, seconds(life), -1.0) < spec.window.as_secs_f64();
            assert_eq!(given_up, trips, "{burst} in {window} s, lives of {life} s");
        }
    }
}
