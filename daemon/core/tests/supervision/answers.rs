//! Answers: why, what if, how the start went, what operations need.

use crate::script::check;

#[test]
fn why_names_the_root_and_the_chain_below_it() {
    check(
        r"
        service db delay=10s ready=notify
        service api needs=db
        service web needs=api
        0s   start web    -> spawn db#1; api waiting; web waiting
        1s   explain web  -> web is waiting because db is starting: waits for READY=1, for at most 29 s more
        2s   ready db#1   -> spawn api#2; db running; spawn web#3; api running; web running; op-1 succeeded
        3s   exit db#1 7  -> kill db#1; term web#3; db backoff
        4s   exit web#3 0 -> term api#2; web stopped; web waiting
        4s   exit api#2 0 -> api stopped; api waiting
        5s   explain web  -> web is waiting because db failed (exit code 7); it is started again in 8 s
        5s   chain web    -> web is waiting: needs api, which is waiting; api is waiting: needs db, which is backoff; db failed (exit code 7); it is started again in 8 s
        ",
    );
}

#[test]
fn why_of_what_failed_says_what_failed_and_of_its_dependents_too() {
    check(
        r"
        service db exec=fails
        service web needs=db
        0s   start web   -> spawn db#1; web waiting; db failed; web failed; op-1 failed
        1s   explain db  -> db has failed: exec failed: /x: no such file or directory
        1s   explain web -> web has failed because db has failed: exec failed: /x: no such file or directory
        ",
    );
}

#[test]
fn why_of_what_nobody_wants_says_who_stopped_it() {
    check(
        r"
        service a auto
        service b
        service c
        service d needs=c
        0s   stop a     -> spawn a#1; a running; term a#1
        0s   exit a#1 0 -> a stopped; op-1 succeeded
        60s  explain a  -> a was stopped by tester 1 m ago
        60s  explain b  -> b is not started by itself (auto_start = false), and nothing needs it
        60s  explain c  -> c is not started by itself (auto_start = false), and what needs it is not wanted up: d
        60s  start a    -> spawn a#2; a running; op-2 succeeded
        60s  explain a  -> a is running, as it is wanted
        ",
    );
}

#[test]
fn why_of_a_stop_names_who_holds_it_up_and_until_when() {
    check(
        r"
        service db
        service web needs=db stop_timeout=30s
        0s   start web     -> spawn db#1; web waiting; spawn web#2; db running; web running; op-1 succeeded
        1s   stop db force -> term web#2
        11s  explain db    -> db is stopping because web is stopping: asked to stop, killed in 20 s
        11s  explain web   -> web is stopping: asked to stop, killed in 20 s
        ",
    );
}

#[test]
fn why_of_a_start_says_what_it_waits_for_and_how_long_it_may() {
    check(
        r"
        service x ready=notify start_timeout=30s
        0s   start x   -> spawn x#1
        10s  explain x -> x is starting: waits for READY=1, for at most 20 s more
        ",
    );
}

#[test]
fn why_of_a_later_group_names_the_member_that_holds_it_up() {
    check(
        r"
        service base auto group=foundation ready=notify
        service ui auto group=interface
        0s   explain ui -> spawn base#1; ui waiting; ui is waiting because base is starting: waits for READY=1, for at most 30 s more
        ",
    );
}

#[test]
fn why_of_a_conflict_names_the_other() {
    check(
        r"
        service a conflicts=b
        service b
        service c wants=a
        0s   start b   -> spawn b#1; b running; op-1 succeeded
        1s   start a   -> refused: cannot start a: a conflicts with b
        2s   start c   -> a waiting; c waiting
        2s   explain a -> a is waiting: conflicts with b, which is running
        ",
    );
}

#[test]
fn what_would_stop_is_told_with_its_reason_and_what_stands_against_it() {
    check(
        r"
        service db
        service api needs=db
        service web needs=api
        service cache wants=db
        service batch needs=db ready=notify
        0s   start web cache -> spawn db#1; api waiting; cache waiting; web waiting; spawn api#2; spawn cache#3; db running; spawn web#4; api running; web running; cache running; op-1 succeeded
        1s   whatif db       -> stops: web stops first: it needs api; stops: api stops first: it needs db; stops: db stops; unaffected: cache wants db and runs on without it; refused: db is needed by api, web
        1s   whatif web      -> stops: web stops
        ",
    );
}

#[test]
fn what_would_stop_is_what_does_stop() {
    check(
        r"
        service db
        service api needs=db
        service web needs=api,db
        0s   start web     -> spawn db#1; api waiting; web waiting; spawn api#2; db running; spawn web#3; api running; web running; op-1 succeeded
        1s   whatif db     -> stops: web stops first: it needs db; stops: api stops first: it needs db; stops: db stops; refused: db is needed by api, web
        2s   stop db force -> term web#3
        3s   exit web#3 0  -> term api#2; web stopped
        4s   exit api#2 0  -> term db#1; api stopped
        5s   exit db#1 0   -> db stopped; op-2 succeeded
        ",
    );
}

#[test]
fn the_start_is_told_with_its_critical_path() {
    check(
        r"
        service fast auto group=foundation ready=1s
        service slow auto group=foundation ready=5s
        service db auto group=core ready=2s
        service web auto group=core needs=db ready=3s
        service ui auto group=interface
        15s       -> spawn fast#1; spawn slow#2; db waiting; web waiting; ui waiting; fast running; spawn db#3; slow running; spawn web#4; db running; spawn ui#5; web running; ui running
        15s  boot -> fast 0.000s..1.000s Ready; slow 0.000s..5.000s Ready; db 5.000s..7.000s Ready after group foundation; web 7.000s..10.000s Ready after service db; ui 10.000s..10.000s Ready after group core
        15s  path -> slow > db > web
        ",
    );
}

#[test]
fn a_start_delay_is_its_own_time_and_a_failed_start_is_told_as_such() {
    check(
        r"
        service late auto start_delay=4s
        service bad auto exec=fails
        service never
        4s               -> spawn bad#1; late waiting; bad failed; spawn late#2; late running
        4s   boot        -> bad 0.000s..0.000s Failed; late 0.000s..4.000s Ready
        4s   path        -> late
        5s   start never -> spawn never#3; never running; op-1 succeeded
        5s   boot        -> bad 0.000s..0.000s Failed; late 0.000s..4.000s Ready
        ",
    );
}

#[test]
fn later_lives_do_not_change_how_the_start_went() {
    check(
        r"
        service x auto delay=1s
        1s   exit x#1 1 -> spawn x#1; x running; kill x#1; x backoff
        2s              -> spawn x#2; x stopped; x running
        2s   boot       -> x 0.000s..0.000s Ready
        ",
    );
}

#[test]
fn an_operation_names_the_services_that_it_needs() {
    check(
        r"
        service db required=deploy,host-on
        service web required=deploy
        service x
        0s   needs deploy  -> db; web
        0s   needs host-on -> db
        0s   needs deplyo  -> refused: no service is required for an operation `deplyo`; did you mean `deploy`?
        ",
    );
}

#[test]
fn what_the_machine_says_against_a_start_refuses_it_unless_forced_or_not_needed() {
    check(
        r"
        service x
        0s   missing x       -> refused: cannot start x: the binary of x is missing
        0s   missing x force -> spawn x#1; x running; op-1 succeeded
        1s   missing x       -> op-2 succeeded
        ",
    );
}

#[test]
fn what_a_service_uses_is_told_when_it_changes_and_when_it_was_not_known_any_more() {
    check(
        r"
        service a
        0s   start a    -> spawn a#1; a running; op-1 succeeded
        1s   uses a#1 7 -> 7 told
        3s   uses a#1 7 -> 7 as before
        5s   uses a#1 8 -> 8 told
        60s  outdated   ->
        60s  uses a#1 8 -> 8 told
        61s  exit a#1 1 -> kill a#1; a backoff
        61s  uses a#1 8 -> 0 as before
        ",
    );
}
