//! Stops: asked, waited for, killed; and what they cancel.

use crate::script::check;

#[test]
fn kill_comes_not_before_the_stop_time_out_and_survivors_are_an_error() {
    check(
        r"
        service x stop_timeout=10s
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   stop x        -> term x#1
        10900ms            ->
        11s                -> kill x#1
        13s  survive x#1   -> x failed; op-2 failed
        13s  why x         -> processes 77 survive even KILL
        ",
    );
}

#[test]
fn silence_after_kill_is_bounded_too() {
    check(
        r"
        service x stop_timeout=1s
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   stop x        -> term x#1
        2s                 -> kill x#1
        7s                 -> x failed; op-2 failed
        ",
    );
}

#[test]
fn what_a_service_leaves_behind_has_until_the_stop_time_out() {
    check(
        r"
        service x stop_timeout=10s
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   stop x        -> term x#1
        2s   exit! x#1 0   ->
        11s                -> kill x#1
        11s  gone x#1      -> x stopped; op-2 succeeded
        ",
    );
}

#[test]
fn a_stop_while_starting_succeeds_and_the_start_is_told() {
    check(
        r"
        service x ready=notify
        0s   start x       -> spawn x#1
        1s   stop x        -> term x#1; op-1 failed
        2s   exit x#1 0    -> x stopped; op-2 succeeded
        1h                 ->
        ",
    );
}

#[test]
fn a_stop_while_waiting_for_a_dependency_releases_at_once() {
    check(
        r"
        service db ready=notify
        service web needs=db
        0s   start web     -> spawn db#1; web waiting
        1s   stop web      -> term db#1; web stopped; op-1 failed; op-2 succeeded
        2s   exit db#1 0   -> db stopped
        1h                 ->
        ",
    );
}

#[test]
fn a_stop_during_backoff_succeeds_at_once_and_nothing_respawns() {
    check(
        r"
        service web restart=always delay=10s
        0s    start web      -> spawn web#1; web running; op-1 succeeded
        1s    exit web#1 7   -> kill web#1; web backoff
        2s    stop web       -> web stopped; op-2 succeeded
        1d                   ->
        ",
    );
}

#[test]
fn a_stop_cancels_a_restart_that_is_stopping() {
    check(
        r"
        service x
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   restart x     -> term x#1
        2s   stop x        -> op-2 failed
        3s   exit x#1 0    -> x stopped; op-3 succeeded
        1d                 ->
        ",
    );
}

#[test]
fn a_service_with_running_dependents_is_not_stopped_unless_forced() {
    check(
        r"
        service db
        service web needs=db
        0s   start web     -> spawn db#1; web waiting; spawn web#2; db running; web running; op-1 succeeded
        1s   stop db       -> refused: cannot stop: db is needed by web
        2s   stop db force -> term web#2
        2s   why db        -> waits for web to stop first
        3s   exit web#2 0  -> term db#1; web stopped
        4s   exit db#1 0   -> db stopped; op-2 succeeded
        ",
    );
}

#[test]
fn what_was_stopped_is_not_brought_back_by_what_merely_wants_it() {
    check(
        r"
        service cache
        service web wants=cache
        0s   start web     -> spawn cache#1; web waiting; spawn web#2; cache running; web running; op-1 succeeded
        1s   stop cache    -> term cache#1
        1s   exit cache#1 0 -> cache stopped; op-2 succeeded
        2s   restart web   -> term web#2
        2s   exit web#2 0  -> spawn web#3; web stopped; web running; op-3 succeeded
        ",
    );
}

#[test]
fn a_reset_does_not_lift_a_stop_and_a_start_of_what_needs_it_does() {
    check(
        r"
        service db
        service web auto wants=db
        service api needs=db
        0s   stop db      -> spawn db#1; web waiting; spawn web#2; db running; web running; term db#1
        0s   exit db#1 0  -> db stopped; op-1 succeeded
        1s   reset db     ->
        2s   restart web  -> term web#2
        2s   exit web#2 0 -> spawn web#3; web stopped; web running; op-2 succeeded
        3s   start api    -> spawn db#4; api waiting; spawn api#5; db running; api running; op-3 succeeded
        ",
    );
}
