//! Readiness: when a start counts, and when it fails.

use crate::script::check;

#[test]
fn a_failed_exec_is_reported_at_once_and_leaves_no_timer() {
    check(
        r"
        service x exec=fails
        0s   start x       -> spawn x#1; x failed; op-1 failed
        1d                 ->
        ",
    );
}

#[test]
fn a_readiness_descriptor_closed_unwritten_is_a_failed_start() {
    check(
        r"
        service x ready=fd restart=never
        0s   start x       -> spawn x#1
        1s   closed x#1    -> term x#1
        1s   exit x#1 0    -> x failed; op-1 failed
        1s   why x         -> it closed its readiness descriptor without a newline; its restart policy is never
        ",
    );
}

#[test]
fn a_start_that_takes_too_long_is_asked_to_stop_then_killed() {
    check(
        r"
        service x ready=notify start_timeout=5s stop_timeout=3s restart=never
        0s   start x       -> spawn x#1
        5s                 -> term x#1
        8s                 -> kill x#1
        8s   exit x#1 SIG9 -> x failed; op-1 failed
        8s   why x         -> start timed out: no READY=1 within 5 s; its restart policy is never
        ",
    );
}

#[test]
fn extending_the_start_time_out_holds_it_off() {
    check(
        r"
        service x ready=notify start_timeout=5s
        0s   start x       -> spawn x#1
        4s   extend x#1 10s ->
        13s                ->
        13s  ready x#1     -> x running; op-1 succeeded
        ",
    );
}

#[test]
fn readiness_by_check_asks_until_it_passes() {
    check(
        r"
        service x ready=check check=10s
        0s      start x    -> spawn x#1; check x#1
        100ms   fail x#1   ->
        600ms              -> check x#1
        700ms   pass x#1   -> x running; op-1 succeeded
        10700ms            -> check x#1
        ",
    );
}

#[test]
fn readiness_by_delay_takes_its_time() {
    check(
        r"
        service x ready=2s
        0s   start x       -> spawn x#1
        2s                 -> x running; op-1 succeeded
        ",
    );
}

#[test]
fn news_of_an_older_life_is_no_news() {
    check(
        r"
        service x ready=notify delay=1s
        0s   start x       -> spawn x#1
        0s   exit x#1 1    -> kill x#1; x backoff; op-1 failed
        1s                 -> spawn x#2; x stopped
        2s   ready x#1     ->
        2s   exit x#1 0    ->
        3s   ready x#2     -> x running
        ",
    );
}
