//! The ladder when restarts do not help, and the bounds of it.

use crate::script::check;

#[test]
fn after_the_last_rung_it_is_given_up() {
    check(
        r"
        service x delay=1s burst=1 escalate=reboot factor=1
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        0s   exit x#1 1 -> kill x#1; x backoff
        1s              -> spawn x#2; x stopped; x running
        1s   exit x#2 1 -> kill x#2; x escalates; x backoff
        2s              -> spawn x#3; x stopped; x running
        2s   exit x#3 1 -> kill x#3; x backoff
        3s              -> spawn x#4; x stopped; x running
        3s   exit x#4 1 -> kill x#4; x failed
        1d              ->
        ",
    );
}

#[test]
fn stable_uptime_begins_the_ladder_at_its_foot_again() {
    check(
        r"
        service x delay=1s burst=1 escalate=dependents,reboot reset_after=10s window=5s factor=1
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        0s   exit x#1 1 -> kill x#1; x backoff
        1s              -> spawn x#2; x stopped; x running
        1s   exit x#2 1 -> kill x#2; x escalates; x backoff
        2s              -> spawn x#3; x stopped; x running
        20s  exit x#3 1 -> kill x#3; x backoff
        21s             -> spawn x#4; x stopped; x running
        21s  exit x#4 1 -> kill x#4; x escalates; x backoff
        22s  explain x  -> spawn x#5; x stopped; x running; x is running, as it is wanted
        ",
    );
}

#[test]
fn a_start_by_request_begins_the_ladder_at_its_foot_again() {
    check(
        r"
        service x delay=1s burst=1 escalate=dependents factor=1
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        0s   exit x#1 1 -> kill x#1; x backoff
        1s              -> spawn x#2; x stopped; x running
        1s   exit x#2 1 -> kill x#2; x escalates; x backoff
        2s   start x    -> spawn x#3; x stopped; x running; op-2 succeeded
        3s   exit x#3 1 -> kill x#3; x backoff
        4s              -> spawn x#4; x stopped; x running
        4s   exit x#4 1 -> kill x#4; x failed
        ",
    );
}

#[test]
fn a_limit_that_lets_old_restarts_go_is_not_tripped_by_a_slow_crasher() {
    check(
        r"
        service x delay=1s burst=2 window=10s factor=1 reset_after=1h
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        0s   exit x#1 1 -> kill x#1; x backoff
        1s              -> spawn x#2; x stopped; x running
        6s   exit x#2 1 -> kill x#2; x backoff
        7s              -> spawn x#3; x stopped; x running
        12s  exit x#3 1 -> kill x#3; x backoff
        13s             -> spawn x#4; x stopped; x running
        18s  exit x#4 1 -> kill x#4; x backoff
        ",
    );
}

#[test]
fn no_restart_at_all_is_a_burst_of_zero() {
    check(
        r"
        service x burst=0
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        1s   exit x#1 1 -> kill x#1; x failed
        ",
    );
}

#[test]
fn the_group_is_restarted_in_reverse_and_comes_back_in_order() {
    check(
        r"
        service a burst=0 escalate=group delay=1s
        service b needs=a
        service c needs=b
        service other group=interface
        0s   start c other -> spawn a#1; spawn other#2; b waiting; c waiting; spawn b#3; a running; spawn c#4; b running; c running; other running; op-1 succeeded
        1s   exit a#1 1    -> kill a#1; term c#4; a escalates; a backoff
        2s   exit c#4 0    -> spawn a#5; a stopped; a running; term b#3; c stopped; c waiting
        3s   exit b#3 0    -> spawn b#6; b stopped; spawn c#7; b running; c running
        4s                 ->
        ",
    );
}

#[test]
fn failsafe_and_the_wish_for_a_reboot_stand_until_an_operator_acts() {
    check(
        r"
        service x delay=1s burst=0 escalate=failsafe,reboot ready=notify
        0s   start x    -> spawn x#1
        0s   exit x#1 1 -> kill x#1; x escalates; x backoff; op-1 failed
        0s   problems   -> fans run at their fail-safe speed because restarts of x did not help; x is waiting for its next start: exit code 1 before it was ready
        1s              -> spawn x#2; x stopped
        1s   exit x#2 1 -> kill x#2; x escalates; x backoff
        1s   problems   -> fans run at their fail-safe speed because restarts of x did not help; a reboot of the BMC is asked for because restarts of x did not help; x is waiting for its next start: exit code 1 before it was ready
        2s              -> spawn x#3; x stopped
        2s   ready x#3  -> x running
        2s   problems   -> fans run at their fail-safe speed because restarts of x did not help; a reboot of the BMC is asked for because restarts of x did not help
        3s   exit x#3 1 -> kill x#3; x failed
        4s   stop x     -> x stopped; op-2 succeeded
        4s   problems   ->
        ",
    );
}

#[test]
fn a_oneshot_that_succeeds_in_the_end_ends_failsafe_mode() {
    check(
        r"
        service job auto oneshot burst=0 escalate=failsafe delay=1s
        0s   exit job#1 1 -> spawn job#1; kill job#1; job escalates; job backoff
        1s                -> spawn job#2; job stopped
        2s   exit job#2 0 -> kill job#2; job completed
        3s   problems     ->
        ",
    );
}

#[test]
fn failsafe_ends_when_the_service_stays_ready_and_not_before() {
    check(
        r"
        service x delay=1s burst=0 escalate=failsafe,failsafe reset_after=10s
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        0s   exit x#1 1 -> kill x#1; x escalates; x backoff
        1s              -> spawn x#2; x stopped; x running
        5s   exit x#2 1 -> kill x#2; x escalates; x backoff
        6s              -> spawn x#3; x stopped; x running
        12s  problems   -> fans run at their fail-safe speed because restarts of x did not help
        16s             ->
        16s  problems   ->
        ",
    );
}
