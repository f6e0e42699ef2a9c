//! Reload: what differs, what is restarted for it, and what is refused.

use crate::script::check;

#[test]
fn a_reload_that_changes_nothing_restarts_nothing() {
    check(
        r"
        service db auto
        service web auto needs=db
        0s   reload -> spawn db#1; web waiting; spawn web#2; db running; web running; nothing differs
        1d          ->
        ",
    );
}

#[test]
fn one_service_changed_restarts_it_and_its_dependents_and_nothing_else() {
    check(
        r"
        service db auto
        service web auto needs=db
        service ui auto needs=web
        service other auto
        0s   list                    -> spawn db#1; spawn other#2; web waiting; ui waiting; spawn web#3; db running; spawn ui#4; web running; ui running; other running; db running, other running, web running, ui running
        1s   reload db auto args=new -> term ui#4; db Changed (args): Restart; db changed
        2s   exit ui#4 0             -> term web#3; ui stopped; ui waiting
        3s   exit web#3 0            -> term db#1; web stopped; web waiting
        4s   exit db#1 0             -> spawn db#5; db stopped; spawn web#6; db running; spawn ui#7; web running; ui running; op-1 succeeded
        5s   list                    -> db running, other running, web running, ui running
        ",
    );
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    check(
        r"
        service db auto
        service web auto needs=db
        0s   list                              -> spawn db#1; web waiting; spawn web#2; db running; web running; db running, web running
        1s   reload? db auto args=new, -web, x -> db Changed (args): Restart; x Added: NextStart; web Removed: Stop
        2s   list                              -> db running, web running
        1d                                     ->
        ",
    );
}

#[test]
fn what_a_running_process_need_not_know_holds_at_once_without_a_restart() {
    check(
        r"
        service x auto delay=1s
        0s   list                   -> spawn x#1; x running; x running
        1s   reload x auto delay=5s -> x Changed (restart): InPlace; x changed
        2s   exit x#1 1             -> kill x#1; x backoff
        6s                          ->
        7s                          -> spawn x#2; x stopped; x running
        ",
    );
}

#[test]
fn a_new_service_is_started_if_it_is_to_start_by_itself() {
    check(
        r"
        service db auto
        0s   list                                    -> spawn db#1; db running; db running
        1s   reload db auto, web auto needs=db, tool -> spawn web#2; tool Added: NextStart; web Added: Start; web added; tool added; web running; op-1 succeeded
        2s   list                                    -> db running, tool stopped, web running
        3s   start tool                              -> spawn tool#3; tool running; op-2 succeeded
        ",
    );
}

#[test]
fn a_service_that_is_not_declared_any_more_stops_and_is_forgotten() {
    check(
        r"
        service old auto
        service web auto
        0s   list         -> spawn old#1; spawn web#2; old running; web running; old running, web running
        1s   reload -old  -> term old#1; old Removed: Stop; old removed
        1s   start old    -> refused: cannot start old: old is not declared any more and runs to its end
        2s   list         -> old stopping, web running
        3s   exit old#1 0 -> old stopped; op-1 succeeded
        4s   list         -> web running
        5s   start old    -> refused: there is no service `old`
        ",
    );
}

#[test]
fn a_service_that_comes_back_while_it_still_stops_is_started_anew_once_it_has() {
    check(
        r"
        service x auto
        0s   list                     -> spawn x#1; x running; x running
        1s   reload -x                -> term x#1; x Removed: Stop; x removed
        2s   reload x auto args=again -> x Added: Start; x added; op-1 failed
        3s   list                     -> x stopping
        4s   exit x#1 0               -> spawn x#2; x stopped; x running; op-2 succeeded
        5s   reload x auto args=again -> nothing differs
        ",
    );
}

#[test]
fn a_service_that_comes_back_later_keeps_counting_its_lives() {
    check(
        r"
        service x auto
        service y auto
        0s   list          -> spawn x#1; spawn y#2; x running; y running; x running, y running
        1s   reload -x     -> term x#1; x Removed: Stop; x removed
        1s   exit x#1 0    -> x stopped; op-1 succeeded
        2s   reload x auto -> spawn x#3; x Added: Start; x added; x running; op-2 succeeded
        3s   exit x#1 1    ->
        4s   list          -> x running, y running
        ",
    );
}

#[test]
fn a_cycle_is_refused_with_its_members_and_the_running_graph_goes_on() {
    check(
        r"
        service a auto
        service b auto needs=a
        0s   list                  -> spawn a#1; b waiting; spawn b#2; a running; b running; a running, b running
        1s   reload a auto needs=b -> refused: the new configuration is refused: services wait for each other: a → b → a; remove one of these dependencies; nothing was changed
        2s   list                  -> a running, b running
        3s   exit a#1 1            -> kill a#1; term b#2; a backoff
        ",
    );
}

#[test]
fn a_name_that_nothing_has_is_refused() {
    check(
        r"
        service database auto
        0s   list                          -> spawn database#1; database running; database running
        1s   reload web auto needs=databse -> refused: the new configuration is refused: service `web` depends on `databse`, which no service declares; did you mean `database`?; nothing was changed
        2s   list                          -> database running
        ",
    );
}

#[test]
fn a_file_with_errors_changes_nothing() {
    check(
        r"
        service x auto
        0s   list    -> spawn x#1; x running; x running
        1s   reload! -> refused: the configuration has errors (services.toml:3: unknown key); nothing was changed
        2s   list    -> x running
        ",
    );
}

#[test]
fn what_protects_the_hardware_is_not_taken_away_by_a_reload() {
    check(
        r"
        service fans auto protects
        service x auto
        0s   list             -> spawn fans#1; spawn x#2; fans running; x running; fans running, x running
        1s   reload -fans, -x -> refused: the new configuration is refused: fans protects the hardware, and the registry has it no more; nothing was changed
        2s   stop fans force  -> term fans#1
        3s   exit fans#1 0    -> fans stopped; op-1 succeeded
        4s   reload -fans     -> term x#2; fans Removed: InPlace; x Removed: Stop; fans removed; x removed
        ",
    );
}

#[test]
fn the_api_is_not_taken_away_by_a_reload() {
    check(
        r"
        service api auto builtin
        0s   list        -> begin api#1; api running; api running
        1s   reload -api -> refused: the new configuration is refused: api carries this very request, and the registry has it no more; nothing was changed
        ",
    );
}

#[test]
fn a_life_ends_as_it_was_begun_with_the_stop_command_of_then() {
    check(
        r"
        service x auto stop_command=/bin/old-stop
        0s   list                                            -> spawn x#1; x running; x running
        1s   reload x auto args=2 stop_command=/bin/new-stop -> run /bin/old-stop; x Changed (args stop): Restart; x changed
        2s   exit x#1 0                                      -> spawn x#2; x stopped; x running; op-1 succeeded
        3s   stop x                                          -> run /bin/new-stop
        ",
    );
}

#[test]
fn a_reload_mends_what_had_failed_for_its_declaration() {
    check(
        r"
        service x auto exec=fails
        service web auto needs=x
        0s   list                     -> spawn x#1; web waiting; x failed; web failed; x failed, web failed
        1s   reload x auto args=right -> spawn x#2; x Changed (args): Start; x changed; x stopped; web waiting; spawn web#3; x running; web running; op-1 succeeded
        2s   list                     -> x running, web running
        ",
    );
}

#[test]
fn a_service_that_an_operator_stopped_stays_down_across_a_reload() {
    check(
        r"
        service x auto
        0s   list                   -> spawn x#1; x running; x running
        1s   stop x                 -> term x#1
        1s   exit x#1 0             -> x stopped; op-1 succeeded
        2s   reload x auto args=new -> x Changed (args): NextStart; x changed
        3s   list                   -> x stopped
        ",
    );
}

#[test]
fn a_new_dependency_that_is_up_already_interrupts_nobody() {
    check(
        r"
        service db auto
        service web auto
        0s   list                     -> spawn db#1; spawn web#2; db running; web running; db running, web running
        1s   reload web auto needs=db -> web Changed (dependencies): InPlace; web changed
        2s   stop db                  -> refused: cannot stop: db is needed by web
        ",
    );
}

#[test]
fn a_new_dependency_that_is_not_up_is_brought_up_first() {
    check(
        r"
        service web auto
        0s   list                                      -> spawn web#1; web running; web running
        1s   reload web auto needs=db, db ready=notify -> spawn db#2; term web#1; db Added: Start; web Changed (dependencies): Restart; web changed; db added
        2s   exit web#1 0                              -> web stopped; web waiting
        3s   ready db#2                                -> spawn web#3; db running; web running; op-1 succeeded
        ",
    );
}

#[test]
fn a_dependency_that_is_dropped_is_stopped_when_nothing_wants_it() {
    check(
        r"
        service db
        service web auto needs=db
        0s   list            -> spawn db#1; web waiting; spawn web#2; db running; web running; db running, web running
        1s   reload web auto -> term db#1; web Changed (dependencies): InPlace; web changed
        2s   exit db#1 0     -> db stopped; op-1 succeeded
        3s   list            -> db stopped, web running
        ",
    );
}

#[test]
fn smooth_recovery_spares_dependents_a_reload() {
    check(
        r"
        service db auto smooth
        service web auto needs=db
        0s   list                         -> spawn db#1; web waiting; spawn web#2; db running; web running; db running, web running
        1s   reload db auto smooth args=2 -> term db#1; db Changed (args): Restart; db changed
        2s   exit db#1 0                  -> spawn db#3; db stopped; db running; op-1 succeeded
        ",
    );
}

#[test]
fn a_reload_during_the_start_takes_what_is_new_along() {
    check(
        r"
        service base auto group=foundation ready=notify
        service ui auto group=interface
        0s   list                                    -> spawn base#1; ui waiting; base starting, ui waiting
        1s   reload mid auto group=core ready=notify -> mid Added: Start; mid added; mid waiting
        2s   ready base#1                            -> spawn mid#2; base running
        3s   ready mid#2                             -> spawn ui#3; mid running; op-1 succeeded; ui running
        ",
    );
}

#[test]
fn a_reload_while_everything_stops_is_refused() {
    check(
        r"
        service x auto
        0s   shutdown             -> spawn x#1; x running; term x#1
        1s   reload x auto args=2 -> refused: the daemon is shutting down
        ",
    );
}

#[test]
fn a_second_reload_before_the_first_has_restarted_ends_in_the_newest() {
    check(
        r"
        service x auto
        0s   list                 -> spawn x#1; x running; x running
        1s   reload x auto args=2 -> term x#1; x Changed (args): Restart; x changed
        2s   reload x auto args=3 -> x Changed (args): Restart; x changed
        3s   exit x#1 0           -> spawn x#2; x stopped; x running; op-1 succeeded
        4s   reload x auto args=3 -> nothing differs
        ",
    );
}

#[test]
fn a_reload_back_before_the_restart_still_ends_the_life_that_was_asked_to_stop() {
    check(
        r"
        service x auto
        0s   list                 -> spawn x#1; x running; x running
        1s   reload x auto args=2 -> term x#1; x Changed (args): Restart; x changed
        2s   reload x auto        -> x Changed (args): Restart; x changed
        3s   exit x#1 0           -> spawn x#2; x stopped; x running; op-1 succeeded
        ",
    );
}

#[test]
fn a_oneshot_that_is_done_is_not_run_again_for_a_new_declaration() {
    check(
        r"
        service job auto oneshot
        0s   exit job#1 0                   -> spawn job#1; kill job#1; job completed
        1s   reload job auto oneshot args=2 -> job Changed (args): NextStart; job changed
        1d                                  ->
        1d   start job force                -> spawn job#2; job stopped
        ",
    );
}

#[test]
fn a_oneshot_that_becomes_a_long_running_service_is_started() {
    check(
        r"
        service job auto oneshot
        0s   exit job#1 0    -> spawn job#1; kill job#1; job completed
        1s   reload job auto -> spawn job#2; job Changed (oneshot): Start; job changed; job stopped; job running; op-1 succeeded
        ",
    );
}

#[test]
fn a_health_check_that_is_new_is_asked_from_then_on() {
    check(
        r"
        service x auto
        0s   list                    -> spawn x#1; x running; x running
        1s   reload x auto check=10s -> x Changed (health_check): InPlace; x changed
        11s                          -> check x#1
        12s  reload x auto           -> x Changed (health_check): InPlace; x changed
        1d                           ->
        ",
    );
}

#[test]
fn a_heartbeat_needs_a_new_life_because_the_process_must_know() {
    check(
        r"
        service x auto
        0s   list                        -> spawn x#1; x running; x running
        1s   reload x auto heartbeat=10s -> term x#1; x Changed (health_check): Restart; x changed
        ",
    );
}

#[test]
fn a_backoff_ends_at_once_when_the_declaration_changes() {
    check(
        r"
        service x auto delay=1h
        0s   exit x#1 1                    -> spawn x#1; x running; kill x#1; x backoff
        1s   reload x auto delay=1h args=2 -> spawn x#2; x Changed (args): Start; x changed; x stopped; x running; op-1 succeeded
        ",
    );
}

#[test]
fn a_conflict_between_two_that_run_is_refused_until_one_is_down() {
    check(
        r"
        service a auto
        service b auto
        0s   list                      -> spawn a#1; spawn b#2; a running; b running; a running, b running
        1s   reload a auto conflicts=b -> refused: the new configuration is refused: a is to conflict with b, and both run; nothing was changed
        2s   stop b                    -> term b#2
        3s   exit b#2 0                -> b stopped; op-1 succeeded
        4s   reload a auto conflicts=b -> a Changed (conflicts): InPlace; a changed
        5s   start b                   -> refused: cannot start b: b conflicts with a
        ",
    );
}

#[test]
fn the_newest_declaration_holds_also_when_an_earlier_one_still_waits() {
    check(
        r"
        service x auto
        0s   list                                     -> spawn x#1; x running; x running
        1s   reload x auto args=2                     -> term x#1; x Changed (args): Restart; x changed
        2s   reload x auto args=2 stop_command=/bin/s -> x Changed (stop): Restart; x changed
        3s   exit x#1 0                               -> spawn x#2; x stopped; x running; op-1 succeeded
        4s   reload x auto args=2 stop_command=/bin/s -> nothing differs
        5s   stop x                                   -> run /bin/s
        ",
    );
}

#[test]
fn another_health_check_does_not_make_ready_what_is_not() {
    check(
        r"
        service db auto rcheck=10s check=1h
        service web needs=db
        0s   rfail db#1                         -> spawn db#1; check db#1; db running
        10s                                     -> check db#1
        10s  rfail db#1                         -> db not-ready
        11s  start web                          -> web waiting
        12s  reload db auto rcheck=10s check=2h -> db Changed (health_check): InPlace; db changed
        13s  reload db auto rcheck=20s check=2h -> db Changed (readiness_check): InPlace; db changed
        14s  explain web                        -> web is waiting because db runs and is not ready: rfail
        34s                                     -> check db#1
        34s  rpass db#1                         -> spawn web#2; db ready-again; web running; op-1 succeeded
        ",
    );
}

#[test]
fn the_answer_to_an_old_check_does_not_count_for_the_new_one() {
    check(
        r"
        service x auto check=10s
        10s                         -> spawn x#1; x running; check x#1
        11s  reload x auto check=5s -> x Changed (health_check): InPlace; x changed
        12s  fail x#1               ->
        16s                         -> check x#1
        16s  fail x#1               ->
        21s                         -> check x#1
        21s  pass x#1               ->
        ",
    );
}

#[test]
fn a_check_that_is_declared_otherwise_is_asked_also_when_the_old_answer_comes_late() {
    check(
        r"
        service x auto check=10s
        10s                         -> spawn x#1; x running; check x#1
        11s  reload x auto check=5s -> x Changed (health_check): InPlace; x changed
        17s  fail x#1               ->
        22s                         -> check x#1
        ",
    );
}

#[test]
fn what_decides_a_start_is_not_changed_under_it() {
    check(
        r"
        service x auto ready=notify
        service y auto ready=check rcheck=10s
        0s   list                                        -> spawn x#1; spawn y#2; check y#2; x starting, y starting
        1s   reload x auto, y auto ready=check check=10s -> term x#1; term y#2; x Changed (readiness): Restart; y Changed (health_check readiness_check): Restart; x changed; y changed
        2s   exit x#1 0                                  -> spawn x#3; x stopped; x running
        2s   exit y#2 0                                  -> spawn y#4; y stopped; check y#4
        2s   pass y#4                                    -> y running; op-1 succeeded
        ",
    );
}

#[test]
fn an_operation_on_what_is_taken_away_while_it_waits_ends() {
    check(
        r"
        service db ready=notify
        service web needs=db
        0s   start web   -> spawn db#1; web waiting
        1s   reload -web -> term db#1; web Removed: InPlace; web removed; web stopped; op-1 failed
        ",
    );
}

#[test]
fn a_protector_that_is_taken_away_while_everything_stops_holds_nobody_up() {
    check(
        r"
        service db auto
        service fans auto needs=db protects
        service o auto
        0s   list            -> spawn db#1; spawn o#2; fans waiting; spawn fans#3; db running; fans running; o running; db running, fans running, o running
        1s   stop fans force -> term fans#3
        2s   reload -fans    -> fans Removed: Stop; fans removed
        3s   shutdown        -> term o#2
        4s   exit fans#3 0   -> term db#1; fans stopped; op-1 succeeded
        5s   exit o#2 0      -> o stopped
        6s   exit db#1 0     -> exit; db stopped
        ",
    );
}
