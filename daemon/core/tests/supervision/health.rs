//! Health: liveness and readiness checks, heartbeats.

use crate::script::check;

#[test]
fn as_many_failed_checks_as_allowed_restart_a_service_and_one_alone_does_not() {
    check(
        r"
        service x check=10s delay=1s
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        10s                -> check x#1
        10s  fail x#1      ->
        20s                -> check x#1
        20s  pass x#1      ->
        30s                -> check x#1
        30s  fail x#1      ->
        40s                -> check x#1
        40s  fail x#1      -> term x#1
        40s  fail x#1      ->
        41s  exit x#1 0    -> x backoff
        41s  fail x#1      ->
        42s                -> spawn x#2; x stopped; x running
        ",
    );
}

#[test]
fn a_heartbeat_that_stays_away_counts_as_failed_checks() {
    check(
        r"
        service x heartbeat=10s delay=1s
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        9s   beat x#1      ->
        18s  beat x#1      ->
        28s                ->
        38s                -> term x#1
        ",
    );
}

#[test]
fn a_readiness_check_of_its_own_decides_the_start_and_liveness_begins_after_it() {
    check(
        r"
        service x ready=check rcheck=10s check=20s
        0s      start x   -> spawn x#1; check x#1
        100ms   rfail x#1 ->
        600ms             -> check x#1
        700ms   rpass x#1 -> x running; op-1 succeeded
        10700ms           -> check x#1
        10800ms rpass x#1 ->
        20700ms           -> check x#1
        ",
    );
}

#[test]
fn what_runs_and_is_not_ready_is_not_restarted_and_only_who_has_yet_to_start_waits() {
    check(
        r"
        service db rcheck=10s
        service web needs=db
        service api needs=db
        0s   start web   -> spawn db#1; web waiting; check db#1; spawn web#2; db running; web running; op-1 succeeded
        1s   rpass db#1  ->
        11s              -> check db#1
        11s  rfail db#1  ->
        21s              -> check db#1
        21s  rfail db#1  -> db not-ready
        22s  explain db  -> db runs and is not ready: rfail
        22s  start api   -> api waiting
        23s  explain api -> api is waiting because db runs and is not ready: rfail
        31s              -> check db#1
        31s  rpass db#1  -> spawn api#3; db ready-again; api running; op-2 succeeded
        1m               -> check db#1
        ",
    );
}

#[test]
fn an_unready_service_that_dies_is_restarted_like_any_other_and_begins_as_ready() {
    check(
        r"
        service db rcheck=10s delay=1s
        0s   start db    -> spawn db#1; check db#1; db running; op-1 succeeded
        0s   rfail db#1  ->
        10s              -> check db#1
        10s  rfail db#1  -> db not-ready
        11s  exit db#1 1 -> kill db#1; db backoff
        12s              -> spawn db#2; db stopped; check db#2; db running
        12s  explain db  -> db runs again after it crashed once, last 1 s ago with exit code 1; that counts as over in 1 m
        72s  explain db  -> db is running, as it is wanted
        ",
    );
}

#[test]
fn an_answer_that_never_comes_does_not_stack_checks() {
    check(
        r"
        service x check=10s
        0s   start x  -> spawn x#1; x running; op-1 succeeded
        10s           -> check x#1
        1h            ->
        1h   pass x#1 ->
        2h            -> check x#1
        ",
    );
}

#[test]
fn a_service_without_restarts_is_told_unhealthy_and_left_alone() {
    check(
        r"
        service x check=10s restart=never
        0s   start x   -> spawn x#1; x running; op-1 succeeded
        10s            -> check x#1
        10s  fail x#1  ->
        20s            -> check x#1
        20s  fail x#1  ->
        21s  explain x -> x runs and is unhealthy: fail
        30s            -> check x#1
        30s  pass x#1  ->
        31s  explain x -> x is running, as it is wanted
        ",
    );
}
