//! Captured output of services, past and to come.

use std::collections::BTreeMap;

use ubmc_proto::v1::{
    LogLine as Line, LogStream, TailLogsRequest, operator_service_client::OperatorServiceClient,
    tail_logs_response::Item,
};

use crate::ctl::{
    exit::Failure,
    follow::{Life, Link, Watched},
    object::LogLine,
    output::{Canvas, Paint, clock, plain_text},
    session::Session,
};

#[derive(clap::Args, Debug)]
#[command(after_help = "In the output, `|` marks a line of stdout and `!` a line of stderr.")]
pub(crate) struct Logs {
    /// Services; the lines of several are interleaved
    #[arg(required = true)]
    pub(crate) names: Vec<String>,
    /// How many past lines of each
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) lines: u32,
    /// Go on with what comes, also after ubmcd or the connection were away
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only one of the two streams
    #[arg(long, value_enum)]
    pub(crate) stream: Option<Stream>,
    /// Only lines that contain this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) contains: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

pub(crate) async fn run(session: &mut Session, arguments: Logs) -> Result<(), Failure> {
    let stream = match arguments.stream {
        None => LogStream::Unspecified,
        Some(Stream::Stdout) => LogStream::Stdout,
        Some(Stream::Stderr) => LogStream::Stderr,
    };
    let width = arguments.names.iter().map(String::len).max().unwrap_or(0);
    let request = TailLogsRequest {
        names: arguments.names,
        lines: arguments.lines,
        follow: arguments.follow,
        stream: stream.into(),
        contains: arguments.contains.unwrap_or_default(),
    };
    if !request.follow {
        return past(session, request, width).await;
    }
    let mut tail = Tail { request, seen: BTreeMap::new(), resumed: false, width };
    let mut link = Link::new(session);
    loop {
        let watched = tail.read(session, &mut link).await;
        if !link.mend(session, watched).await? {
            return Ok(());
        }
    }
}

async fn past(session: &mut Session, request: TailLogsRequest, width: usize) -> Result<(), Failure> {
    let mut stream =
        session.call(|channel| async move { OperatorServiceClient::new(channel).tail_logs(request).await }).await?;
    let mut lines: Vec<LogLine> = Vec::new();
    while let Some(message) = stream.message().await? {
        match message.item {
            Some(Item::Line(line)) => lines.push(line.into()),
            Some(Item::Gap(gap)) => lines.push(LogLine::lost(gap.service, gap.lost)),
            Some(Item::CaughtUp(_)) | None => {}
        }
    }
    if lines.is_empty() {
        session.out.progress("no such output is kept");
    }
    session.out.list(&lines, |canvas| lines.iter().map(|line| draw(line, width, canvas) + "\n").collect())
}

/// A follow across connections.
struct Tail {
    request: TailLogsRequest,
    /// The newest line of each service, valid within one life of the daemon.
    seen: BTreeMap<String, u64>,
    /// The connection was lost and stands again: from here on nothing may be missing without a word.
    resumed: bool,
    width: usize,
}

impl Tail {
    async fn read(&mut self, session: &mut Session, link: &mut Link) -> Watched {
        let life = link.greet(session).await?;
        let request = self.next_request(life);
        let mut stream =
            session.call(|channel| async move { OperatorServiceClient::new(channel).tail_logs(request).await }).await?;
        link.up(session);
        if life == Life::New {
            session.out.warn("what services had written before that and was not shown yet is lost");
        }
        loop {
            for line in self.take(link.next(&mut stream).await?.item) {
                print(session, &line, self.width)?;
            }
        }
    }

    /// After a loss: all that is still kept and unfiltered, so that the numbers tell what is missing. What was seen and
    /// what does not pass is left out here.
    fn next_request(&mut self, life: Life) -> TailLogsRequest {
        if life == Life::First {
            return self.request.clone();
        }
        self.resumed = true;
        if life == Life::New {
            // It counts its lines anew.
            self.seen.clear();
        }
        TailLogsRequest {
            lines: u32::MAX,
            stream: LogStream::Unspecified.into(),
            contains: String::new(),
            ..self.request.clone()
        }
    }

    /// What is to be shown of an item.
    fn take(&mut self, item: Option<Item>) -> Vec<LogLine> {
        match item {
            None | Some(Item::CaughtUp(_)) => Vec::new(),
            Some(Item::Gap(gap)) => {
                let seen = self.seen.entry(gap.service.clone()).or_default();
                *seen = seen.saturating_add(gap.lost);
                vec![LogLine::lost(gap.service, gap.lost)]
            }
            Some(Item::Line(line)) => {
                let seen = self.seen.entry(line.service.clone()).or_default();
                if line.number <= *seen {
                    return Vec::new();
                }
                let missing = line.number - *seen - 1;
                *seen = line.number;
                let lost = (self.resumed && missing > 0).then(|| LogLine::lost(line.service.clone(), missing));
                lost.into_iter().chain(self.passes(&line).then(|| line.into())).collect()
            }
        }
    }

    fn passes(&self, line: &Line) -> bool {
        let stream = self.request.stream();
        (stream == LogStream::Unspecified || stream == line.stream()) && line.text.contains(&self.request.contains)
    }
}

fn print(session: &mut Session, line: &LogLine, width: usize) -> Result<(), Failure> {
    session.out.item(line, |canvas| draw(line, width, canvas))
}

fn draw(line: &LogLine, width: usize, canvas: Canvas) -> String {
    let service = plain_text(&line.service);
    if let Some(lost) = line.lost {
        let lines = if lost == 1 { "line is" } else { "lines are" };
        let text = format!("{:21}{service:width$} ? {lost} {lines} lost", "");
        return canvas.paint(Paint::Warn, &text).into_owned();
    }
    let mark = if line.stream.as_deref() == Some("stderr") { "!" } else { "|" };
    let text = plain_text(line.text.as_deref().unwrap_or_default());
    let more = if line.truncated { " […cut]" } else { "" };
    let time = clock(line.time.as_ref());
    format!("{} {service:width$} {mark} {text}{more}", canvas.paint(Paint::Faint, &time))
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    fn line(number: u64, text: &str) -> Item {
        let text = text.to_owned();
        Item::Line(v1::LogLine { service: "web".into(), number, text, ..v1::LogLine::default() })
    }

    #[test]
    fn after_a_loss_nothing_is_repeated_and_what_is_missing_is_counted() {
        let request = TailLogsRequest { contains: "GET".into(), follow: true, ..TailLogsRequest::default() };
        let mut tail = Tail { request, seen: BTreeMap::new(), resumed: false, width: 3 };
        let take = |tail: &mut Tail, item| -> Vec<String> {
            tail.take(Some(item))
                .iter()
                .map(|line| draw(line, 3, Canvas::PLAIN))
                .map(|text| text.trim().to_owned())
                .collect()
        };
        assert_eq!(tail.next_request(Life::First).contains, "GET", "at first the daemon filters");
        assert_eq!(take(&mut tail, line(7, "GET /a")), ["- web | GET /a"], "earlier ones were not asked for");
        assert_eq!(take(&mut tail, line(9, "GET /b")), ["- web | GET /b"], "numbers jump over what does not pass");

        let request = tail.next_request(Life::Same);
        assert_eq!((request.contains.as_str(), request.lines), ("", u32::MAX));
        assert_eq!(take(&mut tail, line(9, "GET /b")), [""; 0], "shown before");
        assert_eq!(take(&mut tail, line(12, "GET /c")), ["web ? 2 lines are lost", "- web | GET /c"]);
        assert_eq!(take(&mut tail, line(13, "POST /d")), [""; 0], "this side filters now");
        let gap = v1::LogGap { service: "web".into(), lost: 3 };
        assert_eq!(take(&mut tail, Item::Gap(gap)), ["web ? 3 lines are lost"]);
        assert_eq!(take(&mut tail, line(17, "GET /e")), ["- web | GET /e"], "what a gap told is not told again");

        tail.next_request(Life::New);
        assert_eq!(take(&mut tail, line(3, "GET /f")), ["web ? 2 lines are lost", "- web | GET /f"]);
    }

    #[test]
    fn lines_say_when_who_and_which_stream() {
        let line = |stream: LogStream, text: &str, truncated| -> LogLine {
            v1::LogLine {
                service: "web".into(),
                number: 7,
                stream: stream.into(),
                time_s: 1_795_216_131.25,
                generation: 1,
                text: text.into(),
                truncated,
            }
            .into()
        };
        for (line, expected) in [
            (line(LogStream::Stdout, "GET /", false), "2026-11-20T23:08:51Z web  | GET /"),
            (line(LogStream::Stderr, "no\x1b[2J", true), "2026-11-20T23:08:51Z web  ! no\\u{1b}[2J […cut]"),
            (LogLine::lost("web".into(), 12), "                     web  ? 12 lines are lost"),
        ] {
            assert_eq!(draw(&line, 4, Canvas::PLAIN), expected);
        }
    }
}
