//! One session: from the first answer of a daemon to the first sign that it is not there any more.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use tokio::{sync::mpsc, task::JoinSet};
use tonic::{Code, Status, Streaming, transport::Channel};
use ubmc_proto::v1::{
    self, event_service_client::EventServiceClient, operator_service_client::OperatorServiceClient,
    sensor_service_client::SensorServiceClient, state_service_client::StateServiceClient,
    system_service_client::SystemServiceClient, thermal_service_client::ThermalServiceClient,
};

use super::{Clock, Command, PATIENCE, request};
use crate::{
    app::{Area, LinkEvent},
    model::{Entry, LogEntry, Mono, Update, from_wire},
};

/// How often the daemon has to show that it is there.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long answers are waited for once a stream has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// Events fetched at the first connection.
const FIRST_EVENTS: u32 = 500;
/// Log lines fetched when a service's page opens.
const FIRST_LINES: u32 = 200;

/// What outlives a session.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The run of the daemon that was last seen. None before the first.
    boot_id: Option<String>,
    /// The number of the newest event that reached the app; 0: none has.
    last_seq: Arc<AtomicU64>,
}

/// Where news go.
#[derive(Clone, Debug)]
pub(super) struct Out {
    clock: Clock,
    events: mpsc::Sender<LinkEvent>,
}

impl Out {
    pub(super) fn now(&self) -> Mono {
        self.clock.now()
    }

    /// Waits while the console is busy: that is what slows a stream down to what can be shown.
    pub(super) async fn send(&self, event: LinkEvent) {
        // The console has gone: the link is about to be dropped.
        let _gone = self.events.send(event).await;
    }

    pub(super) async fn news(&self, update: Update) {
        self.send(LinkEvent::News(Box::new(update))).await;
    }
}

/// What is being kept with one daemon.
#[derive(Debug)]
pub(super) struct Session {
    channel: Channel,
    out: Out,
    streams: JoinSet<(Area, Result<(), Status>)>,
    requests: JoinSet<()>,
    /// The output that is followed. It does not end by itself, so it is none of the requests that are waited for.
    logs: JoinSet<()>,
}

impl Session {
    pub(super) fn new(channel: Channel, clock: Clock, events: mpsc::Sender<LinkEvent>) -> Self {
        Self {
            channel,
            out: Out { clock, events },
            streams: JoinSet::new(),
            requests: JoinSet::new(),
            logs: JoinSet::new(),
        }
    }

    /// Runs until the daemon is lost; the answer says why, and after how many seconds since it first answered.
    pub(super) async fn run(mut self, memory: &mut Memory, commands: &mut mpsc::Receiver<Command>) -> (String, f64) {
        if let Err(error) = self.greet(memory).await {
            return (never_answered(&error), 0.0);
        }
        let greeted = self.out.now();
        let reason = self.keep(memory, commands).await;
        (reason, self.out.now().since(greeted))
    }

    /// From the first answer on.
    async fn keep(&mut self, memory: &Memory, commands: &mut mpsc::Receiver<Command>) -> String {
        self.watch_everything(memory);
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        heartbeat.tick().await;
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => return "the console has ended".to_owned(),
                    Some(Command::Reconnect) => return "asked to connect anew".to_owned(),
                    Some(Command::FollowLog(service)) => self.follow_log(service),
                    Some(Command::Ask(token, ask)) => {
                        let (channel, out) = (self.channel.clone(), self.out.clone());
                        self.requests.spawn(async move { request::carry_out(channel, out, token, ask).await });
                    }
                },
                Some(ended) = self.streams.join_next() => {
                    if let Some(reason) = self.stream_ended(ended).await {
                        self.hear_out().await;
                        return reason;
                    }
                }
                // Finished requests are only collected: their answers have been sent.
                Some(_) = self.requests.join_next() => {}
                Some(_) = self.logs.join_next() => {}
                _ = heartbeat.tick() => {
                    if let Err(error) = self.status().await {
                        return sentence(&error);
                    }
                }
            }
        }
    }

    /// A daemon that ends still answers what it was asked before.
    async fn hear_out(&mut self) {
        let answers = async { while self.requests.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_ANSWERS, answers).await;
    }

    /// The first exchange: is it the daemon of before?
    async fn greet(&mut self, memory: &mut Memory) -> Result<(), Status> {
        let boot_id = self.status().await?;
        if let Some(before) = memory.boot_id.replace(boot_id.clone())
            && before != boot_id
        {
            memory.last_seq.store(0, Ordering::Relaxed);
            self.out.send(LinkEvent::NewDaemon).await;
        }
        self.out.send(LinkEvent::Up).await;
        Ok(())
    }

    /// Asks for the status; the answer is the daemon's boot id.
    async fn status(&mut self) -> Result<String, Status> {
        let mut client = SystemServiceClient::new(self.channel.clone());
        let asked = tokio::time::timeout(PATIENCE, client.get_status(v1::GetStatusRequest {})).await;
        let silent = |_| Status::unavailable(format!("ubmcd does not answer for {} s", PATIENCE.as_secs()));
        match asked.map_err(silent)? {
            Ok(status) => {
                let status = status.into_inner();
                let boot_id = status.boot_id.clone();
                self.out.news(Update::Status(from_wire::status(self.out.now(), status))).await;
                Ok(boot_id)
            }
            // It answers: that is all a heartbeat wants to know.
            Err(error) if error.code() == Code::Unimplemented => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    fn watch_everything(&mut self, memory: &Memory) {
        let channel = &self.channel;
        let out = &self.out;
        let mut system = SystemServiceClient::new(channel.clone());
        let mut operator = OperatorServiceClient::new(channel.clone());
        let mut state = StateServiceClient::new(channel.clone());
        let mut sensor = SensorServiceClient::new(channel.clone());
        let mut thermal = ThermalServiceClient::new(channel.clone());
        let mut operations = state.clone();
        let events = EventServiceClient::new(channel.clone());

        let to = out.clone();
        self.streams.spawn(async move {
            let convert = |now, wire| Some(Update::Status(from_wire::status(now, wire)));
            (Area::Status, relay(system.watch_status(v1::WatchStatusRequest {}).await, convert, &to).await)
        });
        let to = out.clone();
        self.streams.spawn(async move {
            let opened = operator.watch_services(v1::WatchServicesRequest {}).await;
            (Area::Services, relay(opened, from_wire::services, &to).await)
        });
        let to = out.clone();
        self.streams.spawn(async move {
            let opened = state.watch_machines(v1::WatchMachinesRequest {}).await;
            (Area::Machines, relay(opened, from_wire::machines, &to).await)
        });
        let to = out.clone();
        self.streams.spawn(async move {
            let opened = operations.watch_operations(v1::WatchOperationsRequest {}).await;
            (Area::Operations, relay(opened, from_wire::operations, &to).await)
        });
        let to = out.clone();
        self.streams.spawn(async move {
            let opened = sensor.watch_sensors(v1::WatchSensorsRequest::default()).await;
            (Area::Sensors, relay(opened, from_wire::sensors, &to).await)
        });
        let to = out.clone();
        self.streams.spawn(async move {
            let opened = thermal.watch_zones(v1::WatchZonesRequest {}).await;
            (Area::Zones, relay(opened, from_wire::zones, &to).await)
        });
        let (to, boot_id, last_seq) = (out.clone(), memory.boot_id.clone(), Arc::clone(&memory.last_seq));
        self.streams.spawn(async move {
            (Area::Events, watch_events(events, boot_id.unwrap_or_default(), &last_seq, &to).await)
        });
    }

    /// What the end of a stream means: some reason to begin anew, or none when the daemon just does not serve it.
    async fn stream_ended(
        &mut self,
        ended: Result<(Area, Result<(), Status>), tokio::task::JoinError>,
    ) -> Option<String> {
        match ended {
            Ok((area, Err(error))) if error.code() == Code::Unimplemented => {
                self.out.send(LinkEvent::Missing(area)).await;
                None
            }
            Ok((_, Err(error))) => Some(sentence(&error)),
            Ok((_, Ok(()))) => Some("ubmcd ended the stream".to_owned()),
            Err(error) => Some(format!("the console's own reader failed: {error}")),
        }
    }

    fn follow_log(&mut self, service: Option<String>) {
        self.logs.abort_all();
        let Some(service) = service else { return };
        let mut client = OperatorServiceClient::new(self.channel.clone());
        let out = self.out.clone();
        self.logs.spawn(async move {
            let request = v1::TailLogsRequest {
                names: vec![service.clone()],
                lines: FIRST_LINES,
                follow: true,
                ..v1::TailLogsRequest::default()
            };
            let opened = client.tail_logs(request).await;
            let ended = relay(opened, |_, wire| from_wire::log(&service, wire), &out).await;
            // Said where the lines would be: the rest of the page is still good.
            if let Err(error) = ended {
                let entry = LogEntry::Remark(format!("the log cannot be read: {}", error.message()));
                out.news(Update::Log { service, entry }).await;
            }
        });
    }
}

/// Passes a stream's messages on until it ends.
async fn relay<T>(
    opened: Result<tonic::Response<Streaming<T>>, Status>,
    convert: impl Fn(Mono, T) -> Option<Update>,
    out: &Out,
) -> Result<(), Status> {
    let mut stream = opened?.into_inner();
    while let Some(message) = stream.message().await? {
        if let Some(update) = convert(out.now(), message) {
            out.news(update).await;
        }
    }
    Ok(())
}

/// Passes events on, from the newest that reached the app; at first, from the last few hundred.
async fn watch_events(
    mut client: EventServiceClient<Channel>,
    boot_id: String,
    last_seq: &AtomicU64,
    out: &Out,
) -> Result<(), Status> {
    let mut after_seq = last_seq.load(Ordering::Relaxed);
    if after_seq == 0 {
        let request = v1::ListEventsRequest { limit: FIRST_EVENTS, ..v1::ListEventsRequest::default() };
        let kept = client.list_events(request).await?.into_inner();
        for event in kept.events {
            after_seq = event.seq;
            out.news(Update::Tail(Entry::Event(from_wire::event(event)))).await;
        }
        last_seq.store(after_seq, Ordering::Relaxed);
    }
    let request = v1::WatchRequest { after_seq: Some(after_seq), ..v1::WatchRequest::default() };
    let mut stream = client.watch(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        use v1::watch_response::Item;
        match message.item {
            Some(Item::Position(position)) if !boot_id.is_empty() && position.boot_id != boot_id => {
                return Err(Status::unavailable("ubmcd was started anew"));
            }
            Some(Item::Event(event)) => {
                let seq = event.seq;
                out.news(Update::Tail(Entry::Event(from_wire::event(event)))).await;
                last_seq.store(seq, Ordering::Relaxed);
            }
            Some(Item::Lost(lost)) => {
                let until = lost.last;
                out.news(Update::Tail(from_wire::lost(lost))).await;
                last_seq.fetch_max(until, Ordering::Relaxed);
            }
            Some(Item::Position(_)) | None => {}
        }
    }
    Ok(())
}

/// Why what listens there cannot be talked to: it may be something else.
fn never_answered(error: &Status) -> String {
    match error.code() {
        Code::Unavailable if error.message().starts_with("ubmcd does not answer") => {
            format!("the connection was accepted, but nothing is said there for {} s", PATIENCE.as_secs())
        }
        _ => match sentence(error).as_str() {
            "ubmcd ended the connection" => {
                "what listens there ends the connection, or does not speak as ubmcd does".to_owned()
            }
            other => other.to_owned(),
        },
    }
}

/// Why the session ended, for people. The transport's own words say nothing at a rack.
fn sentence(error: &Status) -> String {
    let message = error.message();
    match error.code() {
        Code::Unavailable if !message.is_empty() && !message.contains("transport") && !message.contains("h2") => {
            message.to_owned()
        }
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal => "ubmcd ended the connection".to_owned(),
        _ => format!("ubmcd says: {message}"),
    }
}
