//! The palette takes the lines of `ubmcctl`: typed in full, found by a part, completed, refused with what can do it.

use crate::scenarios::check;

#[test]
fn what_changes_something_is_asked_about() {
    check(
        "
        keys :
        type fans set cpu 63 --for 90
        keys Enter                => modal=confirm hold cpu at 63 % for 90 s
        keys Tab Enter            => effects=[DO hold cpu 63 90]
        keys :
        type host off host.0
        keys Enter                => modal=confirm off host.0, effects=[plan off host.0]
        keys Esc :
        type ubmcctl services restart demo-web
        keys Enter                => modal=confirm restart demo-web
        keys Esc :
        type chassis identify on
        keys Enter                => modal=confirm identify on
        keys Esc :
        type sim fault clear fan-fail fan.3
        keys Enter                => modal=confirm repair fan-fail fan.3
        ",
    );
}

#[test]
fn what_shows_something_leads_to_its_view() {
    check(
        "
        keys :
        type events list --severity error --subject service.>
        keys Enter                => view=events, filter=\"service.\", follow=true
        keys :
        type sensors history p12v --since 60
        keys Enter                => view=sensors, selected=p12v
        keys :
        type services list --group interface
        keys Enter                => view=services, filter=\"interface\"
        keys :
        type services logs demo-web --stream stderr
        keys Enter                => page=service demo-web, effects=[log demo-web]
        keys :
        type services dependencies demo-web
        keys Enter                => page=service demo-web, pane=Ties
        keys :
        type zones explain cpu
        keys Enter                => view=thermal, selected=cpu
        keys :
        type host status host.1
        keys Enter                => view=power, selected=host.1
        keys :
        type boot critical-path
        keys Enter                => view=boot
        keys :
        type platform status
        keys Enter                => view=overview
        keys :
        type open p12v
        keys Enter                => view=sensors, selected=p12v
        keys :
        type open demo-web
        keys Enter                => page=service demo-web
        ",
    );
}

#[test]
fn the_best_fit_of_a_part_comes_first() {
    check(
        "
        keys :
        type off host.0
        keys Tab                  => modal=palette \"host off host.0 \"
        keys Enter                => modal=confirm off host.0
        keys Esc :
        type web restart
        keys Tab                  => modal=palette \"services restart demo-web \"
        keys Esc :
        type view pow
        keys Enter                => view=power
        ",
    );
}

#[test]
fn a_line_that_no_list_has_is_completed_word_by_word() {
    check(
        "
        keys :
        type events list --sev
        keys Enter                => modal=palette \"events list --sev\", problem=unexpected argument '--sev'
        keys Tab                  => modal=palette \"events list --severity \"
        type warn
        keys Tab                  => modal=palette \"events list --severity warning \"
        keys Enter                => modal=-, view=events
        ",
    );
}

#[test]
fn what_is_wrong_or_done_elsewhere_is_said_and_the_line_stays() {
    check(
        "
        keys :
        type fans set cpu 700 --for 60
        keys Enter                => !DO, problem=invalid value '700' for '<PERCENT>'
        keys Backspace            => modal=palette \"fans set cpu 700 --for 6\", !problem=
        keys Esc :
        type host off host.7
        keys Enter                => problem=there is no host `host.7`: did you mean `host.0`?
        keys Esc :
        type host off host.0 --at +1h
        keys Enter                => !plan, problem=the console asks for what is to be done now; `ubmcctl host off host.0 --at +1h` can do it
        keys Esc :
        type services start demo-web --yes
        keys Enter                => problem=options of every command are not the console's
        keys Esc :
        type services list --reason audit
        keys Enter                => problem=`--reason` has no place here
        keys Esc :
        type services start 'demo
        keys Enter                => problem=a quote ' is not closed
        keys Esc :
        type completions bash
        keys Enter                => problem=the console has nothing for this; `ubmcctl completions bash` can do it
        ",
    );
}

#[test]
fn a_reason_on_the_line_is_taken_over_into_the_question() {
    check(
        "
        keys :
        type host off host.0 --reason 'case 4711'
        keys Enter                => effects=[plan off host.0], modal=confirm off host.0
        plan
        type host.0
        keys Enter                => DO off host.0 as r7 because \"case 4711\"
        keys Esc :
        type fans set cpu 60 --for 300 --reason 'quiet please'
        keys Enter Tab Enter      => DO hold cpu 60 300 because \"quiet please\"
        ",
    );
}
