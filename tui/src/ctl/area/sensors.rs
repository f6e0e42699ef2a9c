//! `ubmcctl sensors`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use clap::Subcommand;
use ubmc_proto::v1::{
    GetSensorHistoryRequest, GetSensorRequest, ListSensorsRequest, WatchSensorsRequest,
    sensor_service_client::SensorServiceClient, watch_sensors_response::Update,
};

use crate::ctl::{
    cli::seconds,
    exit::Failure,
    follow::{Link, Watched},
    object::{HistoryPoint, Sensor},
    output::{
        Canvas, Cell, Format, Page, Paint, Table, duration, left, measure, percent, plain_text, right, time_of_day,
    },
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All sensors in board order
    List,
    /// One sensor with its thresholds
    Show { name: String },
    /// All readings, then each that changes
    Watch {
        /// Only these
        names: Vec<String>,
    },
    /// Past readings, oldest first
    History {
        name: String,
        /// Only the last so many seconds. Default: all that is kept
        #[arg(long, value_name = "S", value_parser = seconds)]
        since: Option<f64>,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let request = ListSensorsRequest::default();
                let answer = session
                    .call(|channel| async move { SensorServiceClient::new(channel).list_sensors(request).await })
                    .await?;
                let sensors: Vec<_> = answer.sensors.into_iter().map(Sensor::from).collect();
                session.out.list(&sensors, |canvas| table(&sensors).draw(canvas))
            }
            Self::Show { name } => {
                let request = GetSensorRequest { name };
                let sensor: Sensor = session
                    .call(|channel| async move { SensorServiceClient::new(channel).get_sensor(request).await })
                    .await?
                    .into();
                session.out.one(&sensor, |canvas| page(&sensor).draw(canvas))
            }
            Self::Watch { names } => watch(session, names).await,
            Self::History { name, since } => history(session, name, since.unwrap_or(0.0)).await,
        }
    }
}

/// A reading as people read it; one that cannot be believed is in brackets.
fn reading(sensor: &Sensor) -> Cell {
    let Some(value) = sensor.value else { return Cell::maybe(None::<&str>) };
    let text = measure(value, &sensor.unit);
    if sensor.quality == "good" {
        Cell::new(Paint::of(&sensor.status).max(Paint::Plain), text)
    } else {
        Cell::new(Paint::Faint, format!("({text})"))
    }
}

fn table(sensors: &[Sensor]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("KIND").rank(3),
            right("VALUE"),
            left("STATUS"),
            left("QUALITY").rank(1),
            right("AGE").rank(2),
            right("LOW"),
            right("HIGH"),
            left("WHY"),
        ],
        "no sensors",
    );
    for sensor in sensors {
        let limit = |limits: [Option<f64>; 3]| {
            Cell::maybe(limits.into_iter().flatten().next().map(|limit| measure(limit, &sensor.unit)))
        };
        let thresholds = &sensor.thresholds;
        table.row([
            Cell::name(&sensor.name),
            sensor.kind.as_str().into(),
            reading(sensor),
            Cell::word(&sensor.status),
            Cell::word(&sensor.quality),
            Cell::maybe(sensor.age_s.map(duration)),
            limit([thresholds.warning_low, thresholds.critical_low, thresholds.fatal_low]),
            limit([thresholds.warning_high, thresholds.critical_high, thresholds.fatal_high]),
            sensor.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

fn page(sensor: &Sensor) -> Page {
    let value = |value: Option<f64>| value.map(|value| measure(value, &sensor.unit));
    let mut page =
        Page::new([Cell::name(&sensor.name), reading(sensor), Cell::word(&sensor.status), Cell::word(&sensor.quality)]);
    page.maybe("why", sensor.reason.clone())
        .maybe("description", sensor.description.clone())
        .fact("kind", sensor.kind.as_str())
        .maybe("age", sensor.age_s.map(duration))
        .maybe("at worst by now", value(sensor.worst_case))
        .fact("read every", duration(sensor.interval_s))
        .maybe("lowest so far", value(sensor.minimum))
        .maybe("mean so far", value(sensor.mean))
        .maybe("highest so far", value(sensor.maximum));
    if sensor.readings > 0 || sensor.errors > 0 {
        page.fact("reads", format!("{} good, {} failed", sensor.readings, sensor.errors));
    }
    let thresholds = &sensor.thresholds;
    page.maybe("fatal at", value(thresholds.fatal_high))
        .maybe("critical at", value(thresholds.critical_high))
        .maybe("warning at", value(thresholds.warning_high))
        .maybe("warning below", value(thresholds.warning_low))
        .maybe("critical below", value(thresholds.critical_low))
        .maybe("fatal below", value(thresholds.fatal_low))
        .maybe("hysteresis", value(Some(thresholds.hysteresis).filter(|width| *width != 0.0)))
        .maybe("cooled down to", value(sensor.target))
        .maybe("missing", sensor.missing_ok.then(|| "is acceptable".to_owned()))
        .maybe("fail-safe", sensor.failsafe_duty.map(|duty| format!("{} while it cannot be read", percent(duty))));
    if !sensor.limits_from_device.is_empty() {
        page.fact("from the device", sensor.limits_from_device.join(", "));
    }
    page
}

async fn history(session: &mut Session, name: String, since_s: f64) -> Result<(), Failure> {
    let request = GetSensorHistoryRequest { name, since_s };
    let answer = session
        .call(|channel| async move { SensorServiceClient::new(channel).get_sensor_history(request).await })
        .await?;
    let points: Vec<_> = answer.points.into_iter().map(|point| HistoryPoint::new(point, &answer.unit)).collect();
    session.out.list(&points, |canvas| history_text(&points, canvas))
}

fn history_text(points: &[HistoryPoint], canvas: Canvas) -> String {
    let mut table = Table::new([right("AGO"), right("VALUE")], "no readings are kept");
    for point in points {
        let value = point.value.map(|value| measure(value, &point.unit));
        table.row([duration(point.age_s).into(), Cell::maybe(value)]);
    }
    let values: Vec<_> = points.iter().filter_map(|point| point.value).filter(|value| value.is_finite()).collect();
    let mut text = table.draw(canvas);
    if let (Some(first), Some(unit)) = (values.first(), points.first().map(|point| &point.unit)) {
        let (low, high, sum) = values
            .iter()
            .fold((*first, *first, 0.0), |(low, high, sum), value| (value.min(low), value.max(high), sum + value));
        let mean = sum / values.len() as f64;
        let [low, mean, high] = [low, mean, high].map(|value| measure(value, unit));
        let _ = write!(text, "lowest {low}, mean {mean}, highest {high}");
        let gaps = points.len() - values.len();
        if gaps > 0 {
            let _ = write!(text, "; times without a good reading: {gaps}");
        }
    }
    text
}

async fn watch(session: &mut Session, names: Vec<String>) -> Result<(), Failure> {
    let mut link = Link::new(session);
    let mut mirror =
        Mirror { request: WatchSensorsRequest { names }, sensors: BTreeMap::new(), filled: false, width: 0 };
    loop {
        let watched = mirror.read(session, &mut link).await;
        if !link.mend(session, watched).await? {
            return Ok(());
        }
    }
}

/// What has been shown, so that only what differs is shown again after a loss.
struct Mirror {
    request: WatchSensorsRequest,
    sensors: BTreeMap<String, Sensor>,
    filled: bool,
    width: usize,
}

impl Mirror {
    async fn read(&mut self, session: &mut Session, link: &mut Link) -> Watched {
        link.greet(session).await?;
        let request = self.request.clone();
        let mut stream = session
            .call(|channel| async move { SensorServiceClient::new(channel).watch_sensors(request).await })
            .await?;
        loop {
            match link.next(&mut stream).await?.update {
                Some(Update::Snapshot(snapshot)) => {
                    link.up(session);
                    self.take(session, snapshot.sensors.into_iter().map(Sensor::from).collect())?;
                }
                Some(Update::Changed(changed)) => {
                    for sensor in changed.sensors {
                        self.change(session, sensor.into())?;
                    }
                }
                None => {}
            }
        }
    }

    fn take(&mut self, session: &mut Session, sensors: Vec<Sensor>) -> Result<(), Failure> {
        self.width = sensors.iter().map(|sensor| sensor.name.len()).max().unwrap_or(0);
        let names: BTreeSet<_> = sensors.iter().map(|sensor| sensor.name.clone()).collect();
        self.sensors.retain(|name, _| names.contains(name));
        if !self.filled && session.out.format() == Format::Table {
            session.out.list(&sensors, |canvas| table(&sensors).draw(canvas))?;
            self.sensors = sensors.into_iter().map(|sensor| (sensor.name.clone(), sensor)).collect();
        } else {
            sensors.into_iter().try_for_each(|sensor| self.change(session, sensor))?;
        }
        self.filled = true;
        Ok(())
    }

    fn change(&mut self, session: &mut Session, sensor: Sensor) -> Result<(), Failure> {
        let before = self.sensors.get(&sensor.name);
        // For people a reading that only grew older is no change.
        let told = session.out.format() != Format::Table || before.is_none_or(|before| differs(before, &sensor));
        if told && before != Some(&sensor) {
            let width = self.width;
            let draw = |canvas| format!("{} {}", time_of_day(), change_line(&sensor, width, canvas));
            session.out.item(&sensor, draw)?;
        }
        self.sensors.insert(sensor.name.clone(), sensor);
        Ok(())
    }
}

fn differs(before: &Sensor, now: &Sensor) -> bool {
    (before.value, &before.quality, &before.status, &before.reason)
        != (now.value, &now.quality, &now.status, &now.reason)
}

fn change_line(sensor: &Sensor, width: usize, canvas: Canvas) -> String {
    let value = reading(sensor);
    let status = canvas.paint(Paint::of(&sensor.status), &sensor.status);
    let name = plain_text(&sensor.name);
    let mut line = format!("{name:width$}  {:>12}  {status}", canvas.paint(value.paint, &value.text));
    if sensor.quality != "good" {
        let _ = write!(line, ", {}", canvas.paint(Paint::of(&sensor.quality), &sensor.quality));
    }
    if let Some(reason) = &sensor.reason {
        let _ = write!(line, " ({})", plain_text(reason));
    }
    line
}

#[cfg(test)]
mod tests {
    use ubmc_proto::v1;

    use super::*;

    fn inlet(quality: v1::Quality) -> Sensor {
        v1::Sensor {
            name: "inlet_temp".into(),
            kind: v1::SensorKind::Temperature.into(),
            unit: "°C".into(),
            value: Some(24.96),
            quality: quality.into(),
            age_s: Some(0.4),
            status: if quality == v1::Quality::Good { v1::SensorStatus::Ok } else { v1::SensorStatus::Unknown }.into(),
            thresholds: Some(v1::Thresholds { warning_high: Some(40.0), hysteresis: 2.0, ..Default::default() }),
            reason: if quality == v1::Quality::Good { "" } else { "no answer on i2c-3" }.into(),
            interval_s: 1.0,
            ..v1::Sensor::default()
        }
        .into()
    }

    #[test]
    fn a_value_that_cannot_be_believed_is_in_brackets() {
        assert_eq!(
            table(&[inlet(v1::Quality::Good), inlet(v1::Quality::Stale)]).draw(Canvas::PLAIN),
            "\
NAME        KIND             VALUE  STATUS   QUALITY    AGE  LOW     HIGH  WHY
inlet_temp  temperature    25.0 °C  ok       good     400ms    -  40.0 °C
inlet_temp  temperature  (25.0 °C)  unknown  stale    400ms    -  40.0 °C  no answer on i2c-3
"
        );
        assert_eq!(
            change_line(&inlet(v1::Quality::Stale), 12, Canvas::PLAIN),
            "inlet_temp       (25.0 °C)  unknown, stale (no answer on i2c-3)"
        );
    }

    #[test]
    fn the_page_names_only_the_limits_there_are() {
        assert_eq!(
            page(&inlet(v1::Quality::Good)).draw(Canvas::PLAIN),
            "\
inlet_temp · 25.0 °C · ok · good
  kind        temperature
  age         400ms
  read every  1.0s
  warning at  40.0 °C
  hysteresis  2.0 °C
"
        );
    }

    #[test]
    fn the_page_of_a_silent_sensor_says_what_it_may_have_come_to() {
        let sensor = Sensor {
            minimum: Some(21.0),
            mean: Some(23.5),
            maximum: Some(26.0),
            readings: 700,
            errors: 5,
            worst_case: Some(31.0),
            target: Some(40.0),
            limits_from_device: vec!["critical_high".into()],
            failsafe_duty: Some(60.0),
            ..inlet(v1::Quality::Stale)
        };
        assert_eq!(
            page(&sensor).draw(Canvas::PLAIN),
            "\
inlet_temp · (25.0 °C) · unknown · stale
  why              no answer on i2c-3
  kind             temperature
  age              400ms
  at worst by now  31.0 °C
  read every       1.0s
  lowest so far    21.0 °C
  mean so far      23.5 °C
  highest so far   26.0 °C
  reads            700 good, 5 failed
  warning at       40.0 °C
  hysteresis       2.0 °C
  cooled down to   40.0 °C
  fail-safe        60 % while it cannot be read
  from the device  critical_high
"
        );
    }

    #[test]
    fn history_is_summed_up_and_its_gaps_are_counted() {
        let point = |age_s, value| HistoryPoint { age_s, value, unit: "°C".into() };
        let points = [point(3.0, Some(20.0)), point(2.0, None), point(1.0, Some(23.0))];
        assert_eq!(
            history_text(&points, Canvas::PLAIN),
            "\x20AGO    VALUE
3.0s  20.0 °C
2.0s        -
1.0s  23.0 °C
lowest 20.0 °C, mean 21.5 °C, highest 23.0 °C; times without a good reading: 1"
        );
        assert_eq!(history_text(&[], Canvas::PLAIN), "no readings are kept\n");
    }
}
