//! Restarts: back-off, bursts, the ladder, smooth recovery, oneshots.

use crate::script::check;

#[test]
fn restarts_back_off_and_a_burst_ends_them_until_somebody_acts() {
    check(
        r"
        service x delay=1s burst=3 window=60s
        0s    start x      -> spawn x#1; x running; op-1 succeeded
        0s    exit x#1 1   -> kill x#1; x backoff
        1s                 -> spawn x#2; x stopped; x running
        1s    exit x#2 1   -> kill x#2; x backoff
        3s                 -> spawn x#3; x stopped; x running
        3s    exit x#3 1   -> kill x#3; x backoff
        7s                 -> spawn x#4; x stopped; x running
        7s    exit x#4 1   -> kill x#4; x failed
        7s    why x        -> exit code 1; 3 restarts within 1 m did not help
        1d                 ->
        1d    start x      -> spawn x#5; x stopped; x running; op-2 succeeded
        1d    exit x#5 1   -> kill x#5; x backoff
        ",
    );
}

#[test]
fn when_restarts_do_not_help_the_ladder_is_climbed() {
    check(
        r"
        service db smooth delay=1s burst=1 escalate=dependents,group,reboot
        service web needs=db
        service other
        0s   start web other  -> spawn db#1; spawn other#2; web waiting; spawn web#3; db running; web running; other running; op-1 succeeded
        1s   exit db#1 1      -> kill db#1; db backoff
        2s                    -> spawn db#4; db stopped; db running
        3s   exit db#4 1      -> kill db#4; term web#3; db escalates; db backoff
        3s   exit web#3 0     -> web stopped; web waiting
        4s                    -> spawn db#5; db stopped; spawn web#6; db running; web running
        5s   exit db#5 1      -> kill db#5; db backoff
        6s                    -> spawn db#7; db stopped; db running
        7s   exit db#7 1      -> kill db#7; term web#6; term other#2; db escalates; db backoff
        7s   exit web#6 0     -> web stopped; web waiting
        7s   exit other#2 0   -> spawn other#8; other stopped; other running
        ",
    );
}

#[test]
fn a_start_by_request_during_a_long_backoff_runs_at_once() {
    check(
        r"
        service x delay=1d
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   exit x#1 1    -> kill x#1; x backoff
        2s   start x       -> spawn x#2; x stopped; x running; op-2 succeeded
        2d                 ->
        ",
    );
}

#[test]
fn policies_decide_after_which_ends_there_is_a_restart() {
    check(
        r"
        service never restart=never
        service failure restart=on-failure
        service always restart=always
        0s   start never failure always  -> spawn always#1; spawn failure#2; spawn never#3; always running; failure running; never running; op-1 succeeded
        1s   exit never#3 1    -> kill never#3; never failed
        1s   exit failure#2 0  -> kill failure#2; failure completed
        1s   exit always#1 0   -> kill always#1; always backoff
        2s                     -> spawn always#4; always stopped; always running
        ",
    );
}

#[test]
fn smooth_recovery_keeps_dependents_running() {
    check(
        r"
        service db smooth delay=1s
        service web needs=db
        0s   start web     -> spawn db#1; web waiting; spawn web#2; db running; web running; op-1 succeeded
        1s   exit db#1 SIG9 -> kill db#1; db backoff
        2s                 -> spawn db#3; db stopped; db running
        3s   restart db    -> term db#3
        3s   exit db#3 0   -> spawn db#4; db stopped; db running; op-2 succeeded
        ",
    );
}

#[test]
fn a_restart_of_a_dependency_restarts_its_dependent_once() {
    check(
        r"
        service db
        service web needs=db
        0s   start web     -> spawn db#1; web waiting; spawn web#2; db running; web running; op-1 succeeded
        1s   restart db    -> term web#2
        2s   exit web#2 0  -> term db#1; web stopped; web waiting
        3s   exit db#1 0   -> spawn db#3; db stopped; spawn web#4; db running; op-2 succeeded; web running
        1h                 ->
        ",
    );
}

#[test]
fn a_reset_forgets_the_failure_and_tries_again() {
    check(
        r"
        service x restart=never
        0s   start x       -> spawn x#1; x running; op-1 succeeded
        1s   exit x#1 1    -> kill x#1; x failed
        2s   reset x       -> spawn x#2; x stopped; x running
        ",
    );
}

#[test]
fn a_oneshot_is_done_when_it_ends_with_success_and_is_ready_for_its_dependents_then() {
    check(
        r"
        service setup oneshot
        service web needs=setup
        0s   start web       -> spawn setup#1; web waiting
        2s   exit setup#1 0  -> kill setup#1; spawn web#2; setup completed; web running; op-1 succeeded
        3s   start setup     -> op-2 succeeded
        4s   restart setup   -> spawn setup#3; term web#2; setup stopped
        5s   exit web#2 0    -> web stopped; web waiting
        6s   exit setup#3 0  -> kill setup#3; spawn web#4; setup completed; op-3 succeeded; web running
        ",
    );
}

#[test]
fn a_oneshot_that_fails_is_retried_like_anything_else() {
    check(
        r"
        service setup oneshot delay=1s
        0s   start setup     -> spawn setup#1
        1s   exit setup#1 3  -> kill setup#1; setup backoff; op-1 failed
        2s                   -> spawn setup#2; setup stopped
        3s   exit setup#2 0  -> kill setup#2; setup completed
        ",
    );
}
