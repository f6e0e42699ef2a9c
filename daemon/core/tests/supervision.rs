//! Supervision by scenario: order, readiness, stop, restart, health, requests, groups, shutdown.

mod script;

use script::check;

// ---- order ---------------------------------------------------------------------------------------------------------

#[test]
fn a_dependency_is_ready_before_its_dependent_is_spawned_and_goes_when_nothing_wants_it() {
    check(
        r"
        service db ready=notify
        service web needs=db
        0s   start web     -> spawn db#1; web waiting
        1s   ready db#1    -> spawn web#2; db running; web running; op-1 succeeded
        2s   stop web      -> term web#2
        3s   exit web#2 0  -> term db#1; web stopped; op-2 succeeded
        4s   exit db#1 0   -> db stopped
        ",
    );
}

#[test]
fn of_two_dependents_one_stops_and_the_dependency_stays() {
    check(
        r"
        service db
        service a needs=db
        service b needs=db
        0s   start a b     -> spawn db#1; a waiting; b waiting; spawn a#2; spawn b#3; db running; a running; b running; op-1 succeeded
        1s   stop a        -> term a#2
        1s   exit a#2 0    -> a stopped; op-2 succeeded
        9s                 ->
        ",
    );
}

#[test]
fn what_is_only_wanted_may_fail_and_the_start_goes_on() {
    check(
        r"
        service cache ready=notify start_timeout=5s restart=never
        service web wants=cache
        0s   start web         -> spawn cache#1; web waiting
        5s                     -> term cache#1
        6s   exit cache#1 0    -> spawn web#2; cache failed; web running; op-1 succeeded
        6s   why cache         -> start timed out: no READY=1 within 5 s; its restart policy is never
        ",
    );
}

#[test]
fn after_and_before_order_but_never_pull_in() {
    check(
        r"
        service a after=b
        service b before=c
        service c
        0s   start a       -> spawn a#1; a running; op-1 succeeded
        1s   start c       -> spawn c#2; c running; op-2 succeeded
        ",
    );
    check(
        r"
        service a after=b
        service b ready=notify
        0s   start a b     -> spawn b#1; a waiting
        1s   why a         -> comes after b, which is starting
        2s   ready b#1     -> spawn a#2; b running; a running; op-1 succeeded
        3s   stop a b      -> term a#2
        4s   exit a#2 0    -> term b#1; a stopped
        5s   exit b#1 0    -> b stopped; op-2 succeeded
        ",
    );
}

#[test]
fn everything_whose_dependencies_are_met_starts_at_once() {
    check(
        r"
        service a ready=notify
        service b ready=notify
        service c needs=a,b
        0s   start c       -> spawn a#1; spawn b#2; c waiting
        1s   ready b#2     -> b running
        2s   ready a#1     -> spawn c#3; a running; c running; op-1 succeeded
        ",
    );
}

#[test]
fn a_dependency_that_fails_fails_its_dependent_and_brings_it_up_when_it_recovers() {
    check(
        r"
        service db exec=fails
        service web needs=db
        0s   start web     -> spawn db#1; web waiting; db failed; web failed; op-1 failed
        0s   why db        -> exec failed: /x: no such file or directory
        0s   why web       -> needs db, which has failed: exec failed: /x: no such file or directory
        9s   start db      -> spawn db#2; db stopped; web waiting; db failed; web failed; op-2 failed
        ",
    );
    check(
        r"
        service db burst=1 delay=1s
        service web needs=db
        0s   start web     -> spawn db#1; web waiting; spawn web#2; db running; web running; op-1 succeeded
        1s   exit db#1 7   -> kill db#1; term web#2; db backoff
        1s   exit web#2 0  -> web stopped; web waiting
        2s                 -> spawn db#3; db stopped; spawn web#4; db running; web running
        3s   exit db#3 7   -> kill db#3; term web#4; db failed
        3s   exit web#4 0  -> web stopped; web failed
        4s   start db      -> spawn db#5; db stopped; web waiting; spawn web#6; db running; op-2 succeeded; web running
        ",
    );
}

#[test]
fn a_transitive_failure_names_its_root() {
    check(
        r"
        service a exec=fails
        service b needs=a
        service c needs=b
        0s   start c       -> spawn a#1; b waiting; c waiting; a failed; b failed; c failed; op-1 failed
        0s   why c         -> needs b; a has failed: exec failed: /x: no such file or directory
        ",
    );
}

#[test]
fn conflicting_services_are_never_up_together() {
    check(
        r"
        service coredns conflicts=dnsmasq
        service dnsmasq
        0s   start dnsmasq -> spawn dnsmasq#1; dnsmasq running; op-1 succeeded
        1s   start coredns -> refused: cannot start: coredns conflicts with dnsmasq
        2s   stop dnsmasq  -> term dnsmasq#1
        2s   exit dnsmasq#1 0 -> dnsmasq stopped; op-2 succeeded
        3s   start coredns -> spawn coredns#2; coredns running; op-3 succeeded
        4s   start dnsmasq -> refused: cannot start: dnsmasq conflicts with coredns
        ",
    );
}

#[test]
fn a_start_delay_comes_after_the_dependencies_and_before_the_spawn() {
    check(
        r"
        service db ready=notify
        service web needs=db start_delay=2s
        0s   start web     -> spawn db#1; web waiting
        1s   ready db#1    -> db running
        2s   why web       -> start delay of 2 s
        3s                 -> spawn web#2; web running; op-1 succeeded
        ",
    );
}

// ---- readiness -----------------------------------------------------------------------------------------------------

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

// ---- stop ----------------------------------------------------------------------------------------------------------

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

// ---- restart -------------------------------------------------------------------------------------------------------

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

// ---- health --------------------------------------------------------------------------------------------------------

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

// ---- groups, boot, shutdown ----------------------------------------------------------------------------------------

#[test]
fn groups_come_up_one_after_the_other_and_go_down_in_reverse() {
    check(
        r"
        service ui auto group=interface
        service mgmt auto group=management
        service base auto group=foundation ready=notify
        service fans auto group=core protects
        0s   ready base#1   -> spawn base#1; fans waiting; mgmt waiting; ui waiting; spawn fans#2; base running; spawn mgmt#3; fans running; spawn ui#4; mgmt running; ui running
        1s   shutdown       -> term ui#4
        2s   exit ui#4 0    -> term mgmt#3; ui stopped
        3s   exit mgmt#3 0  -> term base#1; mgmt stopped
        4s   exit base#1 0  -> term fans#2; base stopped
        5s   exit fans#2 0  -> exit; fans stopped
        ",
    );
}

#[test]
fn a_group_does_not_wait_for_a_member_that_keeps_crashing() {
    check(
        r"
        service bad auto group=foundation delay=10s ready=notify
        service ui auto group=interface
        0s   exit bad#1 1   -> spawn bad#1; ui waiting; kill bad#1; spawn ui#2; bad backoff; ui running
        ",
    );
}

#[test]
fn a_boot_that_takes_too_long_goes_on_without_those_that_are_late() {
    check(
        r"
        service late auto group=foundation ready=notify start_timeout=1h
        service ui auto group=interface
        89s                 -> spawn late#1; ui waiting
        90s                 -> spawn ui#2; ui running
        ",
    );
}

#[test]
fn an_emergency_stop_kills_at_once_but_what_protects_hardware_is_asked_last() {
    check(
        r"
        service fans auto protects
        service a auto stop_timeout=1h
        service b auto needs=a
        0s   emergency      -> spawn a#1; spawn fans#2; b waiting; spawn b#3; a running; b running; fans running; kill a#1; kill b#3
        0s   exit b#3 SIG9  -> b stopped
        0s   exit a#1 SIG9  -> term fans#2; a stopped
        1s   exit fans#2 0  -> exit; fans stopped
        ",
    );
}

#[test]
fn the_api_stays_until_no_process_is_left_to_be_watched() {
    check(
        r"
        service sensormon auto builtin group=core protects
        service api auto builtin group=interface needs=sensormon
        service slow auto group=foundation
        service web auto group=interface
        0s   shutdown           -> spawn slow#1; sensormon waiting; api waiting; web waiting; begin sensormon#2; slow running; begin api#3; spawn web#4; sensormon running; api running; web running; term web#4
        1s   exit web#4 0       -> term slow#1; web stopped
        2s   why api            -> waits for slow to stop first
        3s   exit slow#1 0      -> end api#3; slow stopped
        4s   exit api#3 0       -> end sensormon#2; api stopped
        5s   exit sensormon#2 0 -> exit; sensormon stopped
        ",
    );
}

#[test]
fn a_shutdown_during_start_does_not_stick_and_always_ends() {
    check(
        r"
        service db auto ready=notify
        service web auto needs=db
        0s   shutdown       -> spawn db#1; web waiting; term db#1; web stopped
        10s                 -> kill db#1
        15s                 -> exit; db failed
        ",
    );
}

#[test]
fn nothing_starts_while_everything_stops() {
    check(
        r"
        service x auto
        0s   shutdown       -> spawn x#1; x running; term x#1
        1s   start x        -> refused: the daemon is shutting down
        2s   exit x#1 0     -> exit; x stopped
        ",
    );
}

#[test]
fn unknown_names_are_refused_with_the_nearest_one() {
    check(
        r"
        service telemetry
        0s   start telemetri -> refused: there is no service `telemetri`; did you mean `telemetry`?
        0s   stop xyz        -> refused: there is no service `xyz`
        ",
    );
}

#[test]
fn a_deployment_that_cannot_be_run_is_refused_with_a_sentence() {
    check(
        r"
        service dns docker
        0s   start dns       -> refused: cannot start: dns is deployed by `docker`, which this version cannot run
        ",
    );
}
