//! The daemon's names, fetched when they are needed to complete a word.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;
use ubmc_proto::v1::{
    self, event_service_client::EventServiceClient, inventory_service_client::InventoryServiceClient,
    led_service_client::LedServiceClient, operator_service_client::OperatorServiceClient,
    sensor_service_client::SensorServiceClient, simulation_service_client::SimulationServiceClient,
    state_service_client::StateServiceClient, thermal_service_client::ThermalServiceClient,
};

use crate::{
    ctl::{exit::Failure, session::Session},
    grammar::{Named, Names, distinct, patterns},
};

/// How long somebody who pressed Tab waits for names.
const PATIENCE: Duration = Duration::from_secs(1);
/// Names younger than this are not asked for again.
const FRESH: Duration = Duration::from_secs(3);
/// Events from which subjects are learnt.
const EVENTS: u32 = 300;

type Kept = BTreeMap<(Named, Vec<String>), (Instant, Vec<String>)>;

/// Names from the running daemon.
pub(super) struct Fetched {
    runtime: Handle,
    session: Rc<RefCell<Session>>,
    kept: RefCell<Kept>,
}

impl Fetched {
    pub(super) fn new(runtime: Handle, session: Rc<RefCell<Session>>) -> Self {
        Self { runtime, session, kept: RefCell::default() }
    }

    /// What was fetched may not be so any more.
    pub(super) fn forget(&self) {
        self.kept.borrow_mut().clear();
    }
}

impl Names for Fetched {
    fn names(&self, kind: Named, earlier: &[String]) -> Vec<String> {
        let key = (kind, earlier.to_vec());
        if let Some((since, names)) = self.kept.borrow().get(&key)
            && since.elapsed() < FRESH
        {
            return names.clone();
        }
        let Ok(mut session) = self.session.try_borrow_mut() else { return Vec::new() };
        let names = self.runtime.block_on(async {
            let asked = tokio::time::timeout(PATIENCE, async {
                let stale = !session.is_disconnected();
                match fetch(&mut session, kind, earlier).await {
                    // It may have been restarted since the last command.
                    Err(Failure::Unreachable(_)) if stale => {
                        session.disconnect();
                        fetch(&mut session, kind, earlier).await
                    }
                    answered => answered,
                }
            });
            // Without names there is nothing to complete; the command itself will say what is wrong.
            asked.await.ok().and_then(Result::ok).unwrap_or_default()
        });
        self.kept.borrow_mut().insert(key, (Instant::now(), names.clone()));
        names
    }
}

async fn fetch(session: &mut Session, kind: Named, earlier: &[String]) -> Result<Vec<String>, Failure> {
    let first = earlier.first().map(String::as_str).unwrap_or_default();
    Ok(match kind {
        Named::Service => names(services(session).await?, |one| one.name),
        Named::Category => distinct(services(session).await?.into_iter().map(|one| one.category)),
        Named::Group => distinct(services(session).await?.into_iter().map(|one| one.group)),
        Named::RequiredFor => distinct(services(session).await?.into_iter().flat_map(|one| one.required_for)),
        Named::Host => names(machines(session, v1::MachineKind::Host).await?, |one| one.name),
        Named::Machine => names(machines(session, v1::MachineKind::Unspecified).await?, |one| one.name),
        Named::ServiceOrMachine => {
            let mut all = names(machines(session, v1::MachineKind::Unspecified).await?, |one| one.name);
            all.extend(names(services(session).await?, |one| one.name));
            all
        }
        Named::Condition => {
            let machine = machine(session, first).await?;
            distinct(
                machine.into_iter().flat_map(|one| one.requests).flat_map(|one| one.blocked_by).map(|one| one.kind),
            )
        }
        Named::Overridden => {
            let machine = machine(session, first).await?;
            distinct(machine.into_iter().flat_map(|one| one.overrides).map(|one| one.condition))
        }
        Named::Operation => operations(session, false).await?,
        Named::Running => operations(session, true).await?,
        Named::Scheduled => {
            let request = v1::ListSchedulesRequest {};
            let answer =
                session.call(|channel| async move { StateServiceClient::new(channel).list_schedules(request).await });
            names(answer.await?.schedules, |one| one.id)
        }
        Named::Sensor => {
            let request = v1::ListSensorsRequest::default();
            let answer =
                session.call(|channel| async move { SensorServiceClient::new(channel).list_sensors(request).await });
            names(answer.await?.sensors, |one| one.name)
        }
        Named::FanOrZone => {
            let mut all = zones(session).await?;
            let request = v1::ListFansRequest {};
            let answer =
                session.call(|channel| async move { ThermalServiceClient::new(channel).list_fans(request).await });
            all.extend(names(answer.await?.fans, |one| one.name));
            all
        }
        Named::Zone => zones(session).await?,
        Named::Led => {
            let request = v1::ListLedsRequest {};
            let answer = session.call(|channel| async move { LedServiceClient::new(channel).list_leds(request).await });
            names(answer.await?.leds, |one| one.name)
        }
        Named::Item => {
            let request = v1::ListItemsRequest {};
            let answer =
                session.call(|channel| async move { InventoryServiceClient::new(channel).list_items(request).await });
            names(answer.await?.items, |one| one.name)
        }
        Named::Subject => {
            let request = v1::ListEventsRequest { limit: EVENTS, ..v1::ListEventsRequest::default() };
            let answer =
                session.call(|channel| async move { EventServiceClient::new(channel).list_events(request).await });
            patterns(answer.await?.events.into_iter().map(|one| one.subject))
        }
        Named::FaultKind => names(faults(session).await?.kinds, |one| one.kind),
        Named::FaultTarget => {
            let kinds = faults(session).await?.kinds;
            kinds.into_iter().find(|one| one.kind == first).map(|one| one.targets).unwrap_or_default()
        }
        Named::ActiveFault => distinct(faults(session).await?.active.into_iter().map(|one| one.kind)),
        Named::ActiveTarget => {
            let active = faults(session).await?.active;
            distinct(active.into_iter().filter(|one| one.kind == first).map(|one| one.target))
        }
        Named::Simulated => {
            let request = v1::GetStateRequest {};
            let answer =
                session.call(|channel| async move { SimulationServiceClient::new(channel).get_state(request).await });
            names(answer.await?.values.into_iter().filter(|one| one.settable), |one| one.name)
        }
        Named::Duty | Named::Seconds | Named::Identify | Named::Moment => Vec::new(),
    })
}

fn names<T>(all: impl IntoIterator<Item = T>, name: impl Fn(T) -> String) -> Vec<String> {
    all.into_iter().map(name).collect()
}

async fn services(session: &mut Session) -> Result<Vec<v1::Service>, Failure> {
    let request = v1::ListServicesRequest::default();
    let answer =
        session.call(|channel| async move { OperatorServiceClient::new(channel).list_services(request).await });
    Ok(answer.await?.services)
}

async fn machines(session: &mut Session, kind: v1::MachineKind) -> Result<Vec<v1::Machine>, Failure> {
    let request = v1::ListMachinesRequest { kind: kind.into() };
    let answer = session.call(|channel| async move { StateServiceClient::new(channel).list_machines(request).await });
    Ok(answer.await?.machines)
}

async fn machine(session: &mut Session, name: &str) -> Result<Option<v1::Machine>, Failure> {
    Ok(machines(session, v1::MachineKind::Unspecified).await?.into_iter().find(|one| one.name == name))
}

/// The newest first.
async fn operations(session: &mut Session, running: bool) -> Result<Vec<String>, Failure> {
    let request = v1::ListOperationsRequest { running };
    let answer = session.call(|channel| async move { StateServiceClient::new(channel).list_operations(request).await });
    let mut ids = names(answer.await?.operations, |one| one.id);
    ids.reverse();
    Ok(ids)
}

async fn zones(session: &mut Session) -> Result<Vec<String>, Failure> {
    let request = v1::ListZonesRequest {};
    let answer = session.call(|channel| async move { ThermalServiceClient::new(channel).list_zones(request).await });
    Ok(names(answer.await?.zones, |one| one.name))
}

async fn faults(session: &mut Session) -> Result<v1::ListFaultsResponse, Failure> {
    let request = v1::ListFaultsRequest {};
    session.call(|channel| async move { SimulationServiceClient::new(channel).list_faults(request).await }).await
}
