//! `ubmcctl platform shutdown`: the end of ubmcd, and who holds it up.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tonic::Streaming;
use ubmc_proto::v1::{self, ShutdownRequest, WatchStatusRequest, system_service_client::SystemServiceClient};

use crate::ctl::{
    confirm::confirm,
    exit::Failure,
    object::Condition,
    output::{duration, plain_text},
    session::Session,
};

pub(super) async fn shutdown(session: &mut Session, emergency: bool, wait: bool) -> Result<(), Failure> {
    let how = if emergency { "at once, without stopping anything gracefully" } else { "in order" };
    confirm(session, &format!("End ubmcd and everything it supervises, {how}?")).await?;
    // Opened before the request, for afterwards the daemon may take nothing new.
    let stream = status_stream(session).await?;
    let request = ShutdownRequest { emergency, reason: session.reason.clone() };
    match session.call(|channel| async move { SystemServiceClient::new(channel).shutdown(request).await }).await {
        // It was there a moment ago: it ended before it could answer.
        Ok(_) | Err(Failure::Unreachable(_)) => {}
        Err(failure) => return Err(failure),
    }
    if !wait {
        session.out.progress("shutdown has begun; --wait shows who holds it up");
        return Ok(());
    }
    session.left_behind = Some("the shutdown goes on without this command".to_owned());
    let began = Instant::now();
    let bound = session.timeout;
    let mut end = End { stream, newest: None, told_at: began };
    match bound {
        None => end.see_through(session, began).await,
        Some(bound) => timeout(bound, end.see_through(session, began)).await.map_err(|_| {
            let held = end.held_up_by();
            let held = if held.is_empty() { String::new() } else { format!(": {}", held.join("; ")) };
            Failure::TimedOut(format!("ubmcd has not ended within {}; it goes on{held}", duration(bound.as_secs_f64())))
        })?,
    }
    session.out.progress(&format!("ubmcd has ended after {}", duration(began.elapsed().as_secs_f64())));
    Ok(())
}

async fn status_stream(session: &mut Session) -> Result<Streaming<v1::SystemStatus>, Failure> {
    session
        .call(|channel| async move { SystemServiceClient::new(channel).watch_status(WatchStatusRequest {}).await })
        .await
}

/// Before looking whether a daemon that broke the connection is still there.
const PAUSE: Duration = Duration::from_millis(100);

/// A shutdown that is being watched.
struct End {
    stream: Streaming<v1::SystemStatus>,
    newest: Option<v1::SystemStatus>,
    told_at: Instant,
}

impl End {
    /// Until the daemon is gone.
    async fn see_through(&mut self, session: &mut Session, began: Instant) {
        loop {
            // Once a second the time that has passed is shown anew.
            match timeout(Duration::from_secs(1), self.stream.message()).await {
                Err(_) => {}
                Ok(Ok(Some(status))) => (self.newest, self.told_at) = (Some(status), Instant::now()),
                // A connection that breaks is no proof: the same daemon may still be there.
                Ok(Ok(None) | Err(_)) => match self.found_again(session).await {
                    Some(stream) => self.stream = stream,
                    None => return,
                },
            }
            session.out.progress_lines(&self.lines(began.elapsed().as_secs_f64()));
        }
    }

    async fn found_again(&self, session: &mut Session) -> Option<Streaming<v1::SystemStatus>> {
        session.disconnect();
        sleep(PAUSE).await;
        let mut stream = status_stream(session).await.ok()?;
        let status = timeout(Duration::from_secs(1), stream.message()).await.ok()?.ok()??;
        // Something else may have started it anew already: then the one that was to end has ended.
        let same = self.newest.as_ref().is_none_or(|newest| newest.boot_id == status.boot_id);
        same.then_some(stream)
    }

    /// Who, and for how long.
    fn held_up_by(&self) -> Vec<String> {
        let Some(status) = &self.newest else { return Vec::new() };
        let now = status.uptime_s + self.told_at.elapsed().as_secs_f64();
        let told = |condition: &v1::Condition| {
            let condition = Condition::from(condition.clone()).aged(now);
            let age = condition.age_s.map(|age| format!(" (for {})", duration(age))).unwrap_or_default();
            format!("{}{age}", plain_text(&condition.text))
        };
        status.holding_up.iter().map(told).collect()
    }

    fn lines(&self, elapsed_s: f64) -> Vec<String> {
        const MOST: usize = 6;
        let held = self.held_up_by();
        let mut lines: Vec<_> = held.iter().take(MOST).map(|text| format!("  ...      {text}")).collect();
        if let Some(more) = held.len().checked_sub(MOST).filter(|more| *more > 0) {
            lines.push(format!("  ...      and {more} more"));
        }
        let up = if held.is_empty() { String::new() } else { format!("{} services are not down yet, ", held.len()) };
        lines.push(format!("  stopping: {up}{}", duration(elapsed_s)));
        lines
    }
}
