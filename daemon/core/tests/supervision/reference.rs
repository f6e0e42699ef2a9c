//! What supervisors had to learn: behaviour to hold, one scenario each, where it does not stand in another file already.
//!
//! | behaviour | where |
//! |---|---|
//! | a dependency first, and gone when nothing wants it | `order::a_dependency_is_ready_before_its_dependent_is_spawned_and_goes_when_nothing_wants_it` |
//! | two dependents, one stops | `order::a_dependency_of_two_stays_for_the_other` |
//! | a wanted one times out | here |
//! | after and before pull nothing in | `order` |
//! | cycles at load, at reload | `graph`'s own tests, `reload::a_cycle_is_refused_with_its_members_and_the_running_graph_goes_on` |
//! | a failed exec leaves no timer | here |
//! | a readiness descriptor that is closed unwritten | `readiness`; data without newline: the process layer's own tests |
//! | a start that takes too long | here |
//! | a stop while starting, in back-off; TERM ignored | `stop` |
//! | a start in a one-day back-off; smooth recovery | `restart` |
//! | orphans, chatty children | the process layer's own tests, with real processes |
//! | no-op reload, one service changed | `reload` |
//! | a step before the main process fails | here |
//! | a watcher during churn | the simulated worlds' mirror |
//! | a thousand services of which half crash | here, and with real processes in the black-box tests |

use crate::script::check;

#[test]
fn what_is_only_wanted_may_time_out_and_says_so() {
    check(
        r"
        service cache ready=notify start_timeout=5s stop_timeout=2s restart=never
        service web wants=cache
        0s   start web      -> spawn cache#1; web waiting
        5s                  -> term cache#1
        6s   exit cache#1 0 -> spawn web#2; cache failed; web running; op-1 succeeded
        7s   explain cache  -> cache has failed: start timed out: no READY=1 within 5 s; its restart policy is never
        ",
    );
}

#[test]
fn a_failed_exec_is_told_at_once_and_leaves_no_timer() {
    check(
        r"
        service x exec=fails
        service web needs=x
        0s   start web -> spawn x#1; web waiting; x failed; web failed; op-1 failed
        0s   why x     -> exec failed: /x: no such file or directory
        365d           ->
        ",
    );
}

#[test]
fn a_start_that_takes_too_long_is_asked_to_stop_and_then_killed() {
    check(
        r"
        service x ready=notify start_timeout=5s stop_timeout=3s delay=1m
        0s   start x       -> spawn x#1
        5s                 -> term x#1
        8s                 -> kill x#1
        8s   exit x#1 SIG9 -> x backoff; op-1 failed
        8s   why x         -> start timed out: no READY=1 within 5 s
        ",
    );
}

#[test]
fn when_the_step_before_it_fails_the_main_process_never_runs() {
    check(
        r"
        service prepare oneshot restart=never
        service main needs=prepare
        0s   start main       -> spawn prepare#1; main waiting
        1s   exit prepare#1 1 -> kill prepare#1; prepare failed; main failed; op-1 failed
        1s   why main         -> needs prepare, which has failed: exit code 1 before it was ready; its restart policy is never
        1d                    ->
        ",
    );
}

#[test]
fn a_clock_that_jumps_a_day_ends_what_is_due_once() {
    check(
        r"
        service x restart=always delay=1s check=10s
        service y ready=notify start_timeout=5s stop_timeout=2s delay=1h
        service z delay=1m
        0s   start x y z -> spawn x#1; spawn y#2; spawn z#3; x running; z running
        1s   exit z#3 1  -> kill z#3; z backoff
        1d   jump        -> term y#2; check x#1; spawn z#4; z stopped; op-1 failed; z running
        1d   pass x#1    ->
        ",
    );
}

#[test]
fn an_announcement_that_is_repeated_has_no_more_time() {
    check(
        r"
        service x start_timeout=20s
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   reloading x#1 ->
        20s  reloading x#1 ->
        21s                -> term x#1
        ",
    );
}

#[test]
fn concurrent_restarts_are_one() {
    check(
        r"
        service x
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        1s   restart x  -> term x#1
        1s   restart x  ->
        1s   restart x  ->
        2s   exit x#1 0 -> spawn x#2; x stopped; x running; op-2 succeeded; op-3 succeeded; op-4 succeeded
        1d              ->
        ",
    );
}

#[test]
fn a_failing_check_during_backoff_is_ignored() {
    check(
        r"
        service x check=10s delay=1m
        0s   start x    -> spawn x#1; x running; op-1 succeeded
        10s             -> check x#1
        11s  exit x#1 1 -> kill x#1; x backoff
        12s  fail x#1   ->
        13s  fail x#1   ->
        71s             -> spawn x#2; x stopped; x running
        ",
    );
}

#[test]
fn a_dependency_that_recovers_releases_what_waits_for_it() {
    check(
        r"
        service db restart=never
        service api needs=db
        service web needs=api
        0s   start web    -> spawn db#1; api waiting; web waiting; spawn api#2; db running; spawn web#3; api running; web running; op-1 succeeded
        1s   exit db#1 1  -> kill db#1; term web#3; db failed
        2s   exit web#3 0 -> term api#2; web stopped; web waiting
        2s   exit api#2 0 -> api stopped; api failed; web failed
        1h   start db     -> spawn db#4; db stopped; api waiting; web waiting; spawn api#5; db running; op-2 succeeded; spawn web#6; api running; web running
        ",
    );
}

#[test]
fn a_restart_while_waiting_for_a_dependency_leaves_exactly_one_process() {
    check(
        r"
        service db ready=notify
        service web needs=db
        0s   start web   -> spawn db#1; web waiting
        1s   restart web ->
        2s   restart web ->
        3s   ready db#1  -> spawn web#2; db running; web running; op-1 succeeded; op-2 succeeded; op-3 succeeded
        1d               ->
        ",
    );
}

#[test]
fn a_stop_command_that_hangs_is_bounded_like_a_signal() {
    check(
        r"
        service x stop_command=/bin/ask stop_timeout=5s
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   stop x        -> run /bin/ask
        6s                 -> kill x#1
        6s   exit x#1 SIG9 -> x stopped; op-2 succeeded
        ",
    );
}

#[test]
fn reloading_and_then_an_end_is_a_failure_whatever_its_exit_code() {
    check(
        r"
        service x ready=notify delay=10s
        0s   start x       -> spawn x#1
        1s   ready x#1     -> x running; op-1 succeeded
        2s   reloading x#1 ->
        2s   why x         -> reloads its configuration
        3s   exit x#1 0    -> kill x#1; x backoff
        3s   why x         -> exit code 0 while it was reloading
        ",
    );
}

#[test]
fn reloading_ends_with_ready_and_is_not_eternal() {
    check(
        r"
        service x ready=notify start_timeout=20s delay=1s
        0s   start x       -> spawn x#1
        1s   ready x#1     -> x running; op-1 succeeded
        2s   reloading x#1 ->
        3s   ready x#1     ->
        3s   why x         ->
        1h   reloading x#1 ->
        1h                 ->
        1h   why x         -> reloads its configuration
        2h                 -> term x#1; kill x#1; x failed
        ",
    );
}

#[test]
fn stopping_is_shown_and_bounded() {
    check(
        r"
        service x stop_timeout=5s delay=1s
        0s   start x      -> spawn x#1; x running; op-1 succeeded
        1s   stopping x#1 ->
        2s   why x        -> says that it is stopping
        6s                -> term x#1
        7s   exit x#1 0   -> x backoff
        8s                -> spawn x#2; x stopped; x running
        ",
    );
}

#[test]
fn the_main_process_may_hand_over_to_another_of_its_own() {
    check(
        r"
        service x
        0s   start x        -> spawn x#1; x running; op-1 succeeded
        1s   mainpid x#1 77 -> pid 77
        2s   exit x#1 0     -> kill x#1; x completed
        ",
    );
}
