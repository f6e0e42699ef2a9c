//! What the app wants, done: what goes to the daemon is passed on, the rest is the face's own.

use std::collections::VecDeque;

use crate::{
    app::{App, Effect, Event, LinkEvent},
    link::{Command, Link, NotTaken},
    model::Mono,
};

/// What the link does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Quit,
    Repaint,
    Suspend,
}

/// Passes on what goes to the daemon; the answer is the rest. What the link does not take is answered as if the daemon had
/// refused it: a question that was never sent must not wait for its answer.
pub(super) fn carry_out(effects: Vec<Effect>, app: &mut App, now: Mono, link: &Link) -> Vec<Own> {
    let mut own = Vec::new();
    let mut left = VecDeque::from(effects);
    while let Some(effect) = left.pop_front() {
        let command = match effect {
            Effect::Quit => {
                own.push(Own::Quit);
                continue;
            }
            Effect::Repaint => {
                own.push(Own::Repaint);
                continue;
            }
            Effect::Suspend => {
                own.push(Own::Suspend);
                continue;
            }
            Effect::Reconnect => Command::Reconnect,
            Effect::Ask(token, ask) => Command::Ask(token, ask),
            Effect::FollowLog(service) => Command::FollowLog(service),
        };
        match link.command(command) {
            Ok(()) => {}
            Err(NotTaken(Some(token))) => {
                left.extend(app.handle(now, Event::Link(LinkEvent::NotSent(token))));
            }
            Err(NotTaken(None)) => {
                app.handle(now, Event::Remark("too much waits to be sent already: ask again in a moment".to_owned()));
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{Size, State, View},
        link::Clock,
    };
    use ubmc_proto::transport::Address;

    #[tokio::test]
    async fn what_the_link_does_not_take_is_answered_at_once() {
        let clock = Clock::start();
        let (sender, _news) = tokio::sync::mpsc::channel(1);
        let link = Link::start(Address::Unix("/nonexistent/ubmcd.sock".into()), clock, sender);
        // Its task has had no turn yet, so that nothing is taken from the queue.
        while link.command(Command::Reconnect).is_ok() {}
        let size = Size { columns: 80, rows: 24 };
        let mut app = App::new(State::new("unix:/x".into(), size, View::Power, false));
        app.handle(clock.now(), Event::Link(LinkEvent::Up));
        let effects = app.handle(clock.now(), Event::Key(crate::app::Key::char('V')));
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Ask(..))), "{effects:?}");
        assert_eq!(carry_out(effects, &mut app, clock.now(), &link), []);
        assert!(app.state().asked.is_empty(), "nothing waits for an answer: {:?}", app.state().asked);
        app.handle(clock.now(), Event::Key(crate::app::Code::Esc.into()));
        assert!(!app.handle(clock.now(), Event::Key(crate::app::Key::char('V'))).is_empty(), "it can be asked again");
    }
}
