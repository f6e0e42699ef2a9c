//! Captured output of services, past and to come.

use std::collections::BTreeMap;

use ubmc_proto::v1::{
    GetStatusRequest, LogStream, TailLogsRequest, operator_service_client::OperatorServiceClient,
    system_service_client::SystemServiceClient, tail_logs_response::Item,
};

use crate::ctl::{
    exit::Failure,
    follow::{Link, Watched},
    object::LogLine,
    output::{Canvas, Paint, clock, plain_text},
    session::Session,
};

#[derive(clap::Args, Debug)]
#[command(after_help = "In the output, `|` marks a line of stdout and `!` a line of stderr.")]
pub(crate) struct Logs {
    /// Services; the lines of several are interleaved
    #[arg(required = true)]
    names: Vec<String>,
    /// How many past lines of each
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    lines: u32,
    /// Go on with what comes, also after ubmcd or the connection were away
    #[arg(long, short)]
    follow: bool,
    /// Only one of the two streams
    #[arg(long, value_enum)]
    stream: Option<Stream>,
    /// Only lines that contain this text
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Stream {
    Stdout,
    Stderr,
}

/// After a loss this many past lines of each service are asked for, and those seen before are left out.
const CATCH_UP: u32 = 1000;

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
    let mut tail = Tail { request, seen: BTreeMap::new(), boot_id: None, width };
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
            None => {}
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
    boot_id: Option<String>,
    width: usize,
}

impl Tail {
    async fn read(&mut self, session: &mut Session, link: &mut Link) -> Watched {
        let boot_id = session
            .call(|channel| async move { SystemServiceClient::new(channel).get_status(GetStatusRequest {}).await })
            .await?
            .boot_id;
        let before = self.boot_id.replace(boot_id);
        let mut request = self.request.clone();
        if let Some(before) = before {
            request.lines = CATCH_UP;
            if self.boot_id.as_ref() != Some(&before) {
                // A new life of the daemon counts its lines anew.
                session.out.warn("ubmcd was restarted: lines from before that were not shown yet are lost");
                self.seen.clear();
            }
        }
        let mut stream =
            session.call(|channel| async move { OperatorServiceClient::new(channel).tail_logs(request).await }).await?;
        link.up(session);
        loop {
            match link.next(&mut stream).await?.item {
                Some(Item::Line(told)) => {
                    let seen = self.seen.entry(told.service.clone()).or_default();
                    if told.number > *seen {
                        *seen = told.number;
                        print(session, &told.into(), self.width)?;
                    }
                }
                Some(Item::Gap(gap)) => print(session, &LogLine::lost(gap.service, gap.lost), self.width)?,
                None => {}
            }
        }
    }
}

fn print(session: &mut Session, line: &LogLine, width: usize) -> Result<(), Failure> {
    session.out.item(line, |canvas| draw(line, width, canvas))
}

fn draw(line: &LogLine, width: usize, canvas: Canvas) -> String {
    let service = plain_text(&line.service);
    if let Some(lost) = line.lost {
        let text = format!("{:21}{service:width$} ? {lost} lines are lost", "");
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
