//! `SensorService`: readings.

use std::{collections::BTreeSet, time::Duration};

use tonic::{Request, Response, Status};
use ubmc_core::{ids::SensorId, refusal::Refusal};
use ubmc_proto::v1::{self, sensor_service_server::SensorService};

use super::{
    Api, from_wire,
    streams::{Pace, Stream},
    to_wire,
};
use crate::shell::Sight;

/// Between two messages of a watch.
const INTERVAL: Duration = Duration::from_millis(100);

fn find(sight: &Sight<'_>, name: &str) -> Result<SensorId, Status> {
    let board = sight.core.board();
    board.find_sensor(name).ok_or_else(|| {
        to_wire::status_of(&Refusal::unknown("sensor", name, board.sensors.iter().map(|sensor| &sensor.name)))
    })
}

fn list(sight: &Sight<'_>, wanted: impl Fn(SensorId) -> bool) -> v1::ListSensorsResponse {
    let ids = (0..sight.core.board().sensors.len()).map(SensorId::new).filter(|id| wanted(*id));
    let sensors = ids.map(|id| to_wire::sensor(&sight.core.sensor(id), sight.moment)).collect();
    v1::ListSensorsResponse { sensors, seq: sight.core.last_seq() }
}

#[tonic::async_trait]
impl SensorService for Api {
    async fn list_sensors(
        &self,
        request: Request<v1::ListSensorsRequest>,
    ) -> Result<Response<v1::ListSensorsResponse>, Status> {
        let kind = from_wire::sensor_kind(request.get_ref()).map_err(|refusal| to_wire::status_of(&refusal))?;
        self.look(move |sight| {
            let board = sight.core.board();
            Ok(list(sight, |id| kind.is_none_or(|kind| kind == board.sensor(id).kind)))
        })
        .await
    }

    async fn get_sensor(&self, request: Request<v1::GetSensorRequest>) -> Result<Response<v1::Sensor>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| {
            let id = find(sight, &name)?;
            Ok(to_wire::sensor(&sight.core.sensor(id), sight.moment))
        })
        .await
    }

    type WatchSensorsStream = Stream<v1::WatchSensorsResponse>;

    async fn watch_sensors(
        &self,
        request: Request<v1::WatchSensorsRequest>,
    ) -> Result<Response<Self::WatchSensorsStream>, Status> {
        let names = request.into_inner().names;
        let begun = self
            .see(move |sight| {
                let ids = names.iter().map(|name| find(sight, name)).collect::<Result<BTreeSet<_>, _>>()?;
                let only = (!ids.is_empty()).then_some(ids);
                let snapshot = list(sight, |id| only.as_ref().is_none_or(|only| only.contains(&id)));
                Ok::<_, Status>((snapshot, sight.hub.sensors.subscribe(only)))
            })
            .await?;
        let (snapshot, mut changes) = begun?;
        self.streams.open(|sink| async move {
            sink.send(to_wire::sensors_snapshot(snapshot)).await?;
            let mut pace = Pace::new(INTERVAL);
            loop {
                pace.wait().await;
                let latest = changes.next().await.ok_or_else(to_wire::gone)?;
                pace.made();
                let sensors = latest.into_iter().map(|(_, sensor)| (*sensor).clone()).collect();
                sink.send(to_wire::sensor_changes(sensors)).await?;
            }
        })
    }

    async fn get_sensor_history(
        &self,
        request: Request<v1::GetSensorHistoryRequest>,
    ) -> Result<Response<v1::GetSensorHistoryResponse>, Status> {
        let since = from_wire::since(request.get_ref()).map_err(|refusal| to_wire::status_of(&refusal))?;
        let name = request.into_inner().name;
        self.look(move |sight| {
            let id = find(sight, &name)?;
            let since = since.map(|since| sight.moment.mono - since);
            let unit = sight.core.board().sensor(id).kind.unit();
            Ok(to_wire::history(&sight.core.sensor_history(id), since, unit, sight.moment))
        })
        .await
    }
}
