//! `ubmcctl events`: the one ordered stream.

use clap::{Subcommand, ValueEnum};
use tonic::Streaming;
use ubmc_proto::v1::{
    ListEventsRequest, Severity as Wire, WatchRequest, WatchResponse, event_service_client::EventServiceClient,
    watch_response::Item,
};

use crate::ctl::{
    exit::Failure,
    follow::{Life, Link, Watched},
    object::Event,
    output::{Canvas, Cell, Paint, Table, clock, left, plain_text, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Kept events, oldest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most this many, the newest
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Everything that has the same cause as an event: from the command or hardware event that began it to the last
    /// thing that followed
    Cause {
        /// The event's number
        seq: u64,
    },
    /// Events as they come; resumes where it was after ubmcd or the connection were away
    ///
    /// Without --since it begins with what comes now. What can no longer be had is said in a line of its own, with
    /// the subject `journal.lost`. Terminals of fewer than 100 columns do not show subjects.
    Tail {
        #[command(flatten)]
        filter: Filter,
    },
}

#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Filter {
    /// Only events after this number; 0 for all that are kept
    #[arg(long, value_name = "SEQ")]
    pub(crate) since: Option<u64>,
    /// Only subjects like this: `*` is one word, `>` the rest, e.g. `service.>`; may be given again and again
    #[arg(long = "subject", value_name = "P")]
    pub(crate) subjects: Vec<String>,
    /// Only events at least as serious
    #[arg(long, value_name = "S", value_enum)]
    pub(crate) severity: Option<Severity>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Severity {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
}

impl Filter {
    fn min_severity(&self) -> i32 {
        let wire = match self.severity {
            None => Wire::Unspecified,
            Some(Severity::Debug) => Wire::Debug,
            Some(Severity::Info) => Wire::Info,
            Some(Severity::Notice) => Wire::Notice,
            Some(Severity::Warning) => Wire::Warning,
            Some(Severity::Error) => Wire::Error,
            Some(Severity::Critical) => Wire::Critical,
        };
        wire.into()
    }
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List { filter, limit } => list(session, filter, limit).await,
            Self::Cause { seq } => cause(session, seq).await,
            Self::Tail { filter } => tail(session, filter).await,
        }
    }
}

async fn list(session: &mut Session, filter: Filter, limit: u32) -> Result<(), Failure> {
    let request = ListEventsRequest {
        after_seq: filter.since.unwrap_or(0),
        min_severity: filter.min_severity(),
        subjects: filter.subjects,
        limit,
        ..ListEventsRequest::default()
    };
    let answer =
        session.call(|channel| async move { EventServiceClient::new(channel).list_events(request).await }).await?;
    refuse_future(filter.since, answer.last_seq)?;
    // Who asks from the beginning does not miss what was there before it.
    let lost = answer.lost.filter(|_| filter.since.is_some_and(|since| since > 0)).map(Event::from);
    let events: Vec<_> = lost.into_iter().chain(answer.events.into_iter().map(Event::from)).collect();
    session.out.list(&events, |canvas| table(&events).draw(canvas))
}

async fn cause(session: &mut Session, seq: u64) -> Result<(), Failure> {
    let request = ListEventsRequest { related_to_seq: seq, ..ListEventsRequest::default() };
    let answer =
        session.call(|channel| async move { EventServiceClient::new(channel).list_events(request).await }).await?;
    let events: Vec<_> = answer.events.into_iter().map(Event::from).collect();
    session.out.list(&events, |canvas| table(&events).draw(canvas))
}

/// A number that is yet to come is one of another life of the daemon, or a mistake.
fn refuse_future(since: Option<u64>, newest: u64) -> Result<(), Failure> {
    match since {
        Some(since) if since > newest => Err(Failure::Usage(format!(
            "event {since} has not happened: the newest is {newest}; numbers begin anew with each start of ubmcd, and \
             --since 0 gives all that is kept"
        ))),
        _ => Ok(()),
    }
}

fn table(events: &[Event]) -> Table {
    let mut table = Table::new(
        [right("SEQ"), left("TIME"), left("SEVERITY").rank(1), left("SUBJECT").rank(2), left("TEXT")],
        "no such events",
    );
    for event in events {
        table.row([
            event.seq.to_string().into(),
            Cell::new(Paint::Faint, clock(event.time.as_ref())),
            Cell::word(&event.severity),
            Cell::name(&event.subject),
            text(event).into(),
        ]);
    }
    table
}

/// From so many columns on a line of the tail has room for the subject.
const ROOMY: usize = 100;

/// The sentence, and who asked unless that is said or the event is a mere consequence.
fn text(event: &Event) -> String {
    match &event.actor {
        Some(actor) if !matches!(event.severity.as_str(), "debug" | "info") && !event.text.contains(actor.as_str()) => {
            format!("{} (by {actor})", event.text)
        }
        _ => event.text.clone(),
    }
}

fn line(event: &Event, canvas: Canvas) -> String {
    let time = clock(event.time.as_ref());
    let pad = 20_usize.saturating_sub(time.len());
    let time = canvas.paint(Paint::Faint, &time);
    let severity = format!("{:8}", event.severity);
    // On a narrow terminal the sentence is worth more, and it names what it is about.
    let roomy = canvas.width.is_none_or(|width| width >= ROOMY);
    let subject = if roomy { format!("{:28}  ", plain_text(&event.subject)) } else { String::new() };
    format!(
        "{:>6} {time}{:pad$} {} {}{}",
        event.seq,
        "",
        canvas.paint(Paint::of(&event.severity), &severity),
        canvas.paint(Paint::Strong, &subject),
        plain_text(&text(event))
    )
}

async fn tail(session: &mut Session, filter: Filter) -> Result<(), Failure> {
    let mut link = Link::new(session);
    let mut tail = Tail { after: filter.since, filter };
    loop {
        let watched = tail.read(session, &mut link).await;
        if !link.mend(session, watched).await? {
            return Ok(());
        }
    }
}

/// Where the reader stands in the stream.
struct Tail {
    filter: Filter,
    /// Resume after this number. Absent: with what comes.
    after: Option<u64>,
}

impl Tail {
    async fn read(&mut self, session: &mut Session, link: &mut Link) -> Watched {
        let mut stream = self.watch(session).await?;
        loop {
            match link.next(&mut stream).await?.item {
                Some(Item::Position(position)) => {
                    let life = link.meet(position.boot_id.clone());
                    if life == Life::First {
                        refuse_future(self.after, position.last_seq)?;
                    }
                    link.up(session);
                    if life == Life::New {
                        self.show(session, &Event::restarted(position.boot_id, self.after.unwrap_or(0)))?;
                        self.after = Some(0);
                        stream = self.watch(session).await?;
                        continue;
                    }
                    // A loss before the first event must not make the tail begin anew.
                    self.after.get_or_insert(position.last_seq);
                }
                Some(Item::Event(event)) => self.show(session, &event.into())?,
                Some(Item::Lost(lost)) => self.show(session, &lost.into())?,
                None => {}
            }
        }
    }

    async fn watch(&self, session: &mut Session) -> Result<Streaming<WatchResponse>, Failure> {
        let request = WatchRequest {
            after_seq: self.after,
            subjects: self.filter.subjects.clone(),
            min_severity: self.filter.min_severity(),
        };
        session.call(|channel| async move { EventServiceClient::new(channel).watch(request).await }).await
    }

    fn show(&mut self, session: &mut Session, event: &Event) -> Result<(), Failure> {
        self.after = Some(event.seq);
        session.out.item(event, |canvas| line(event, canvas))
    }
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    #[test]
    fn events_read_as_sentences_and_say_who_asked() {
        let event: Event = v1::Event {
            seq: 812,
            time_s: 1_795_216_131.25,
            subject: "state.host.0.transition".into(),
            severity: Wire::Notice.into(),
            actor: "uid 0 (root)".into(),
            text: "host.0: off -> powering-on".into(),
            ..v1::Event::default()
        }
        .into();
        assert_eq!(
            line(&event, Canvas::PLAIN),
            "   812 2026-11-20T23:08:51Z notice   state.host.0.transition       host.0: off -> powering-on (by uid 0 (root))"
        );
        assert_eq!(
            line(&event, Canvas::narrow(80)),
            "   812 2026-11-20T23:08:51Z notice   host.0: off -> powering-on (by uid 0 (root))"
        );
        let lost: Event = v1::Lost { first: 813, last: 900, reason: "expired".into() }.into();
        assert_eq!(
            line(&lost, Canvas::PLAIN),
            "   900 -                    warning  journal.lost                  events 813–900 have expired"
        );
        assert_eq!(
            table(&[event, lost]).draw(Canvas::PLAIN),
            "\
SEQ  TIME                  SEVERITY  SUBJECT                  TEXT
812  2026-11-20T23:08:51Z  notice    state.host.0.transition  host.0: off -> powering-on (by uid 0 (root))
900  -                     warning   journal.lost             events 813–900 have expired
"
        );
    }
}
