//! One requested line.

use gpiocdev::{
    Request,
    line::{Bias as KernelBias, EdgeDetection, EdgeKind, Value},
    request::Config,
};
use nix::errno::Errno;
use ubmc_core::{power::Direction, units::Level};

use super::{super::LinuxError, lines::Wanted, listing::Place};
use crate::board::Bias;

/// What we call ourselves to the kernel, and to whoever lists its lines.
const CONSUMER: &str = "ubmcd";
/// Edges that the kernel keeps for us; what is more pushes the oldest out, so that the last one is always right.
const KEPT_EDGES: u32 = 64;

/// A line that is ours.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) request: Request,
    pub(super) place: Place,
    /// Whether its edges are told; an input without is looked at.
    pub(super) edges: bool,
    /// Whether it is an output by our word.
    driven: bool,
}

impl Held {
    /// Requests an input with its edges, or an output as it is.
    pub(super) fn discover(place: &Place, wanted: &Wanted) -> Result<Self, LinuxError> {
        let edges = wanted.direction == Direction::Input;
        match Self::request(place, wanted, if edges { Purpose::Edges } else { Purpose::Look }) {
            // A chip without an interrupt: the line can be read, not waited for.
            Err(error) if edges && lacks_interrupt(&error) => Self::request(place, wanted, Purpose::Poll)
                .map_err(|error| trouble(place, wanted, "it cannot be had", error)),
            other => other.map_err(|error| trouble(place, wanted, "it cannot be had", error)),
        }
    }

    /// Requests an output that is driven at once.
    pub(super) fn drive_first(place: &Place, wanted: &Wanted, level: Level) -> Result<Self, LinuxError> {
        Self::request(place, wanted, Purpose::Drive(level))
            .map_err(|error| trouble(place, wanted, "it cannot be driven", error))
    }

    fn request(place: &Place, wanted: &Wanted, purpose: Purpose) -> gpiocdev::Result<Self> {
        let mut config = Config::default();
        config.on_chip(&place.chip).with_line(place.offset);
        configure(&mut config, wanted, purpose);
        let mut builder = Request::from_config(config);
        builder.with_consumer(CONSUMER);
        if purpose == Purpose::Edges {
            builder.with_kernel_event_buffer_size(KEPT_EDGES);
        }
        Ok(Self {
            request: builder.request()?,
            place: place.clone(),
            edges: purpose == Purpose::Edges,
            driven: matches!(purpose, Purpose::Drive(_)),
        })
    }

    /// Its level now.
    pub(super) fn level(&self) -> gpiocdev::Result<Level> {
        self.request.value(self.place.offset).map(|value| Level::from_bool(value == Value::Active))
    }

    /// Drives it.
    pub(super) fn drive(&mut self, wanted: &Wanted, level: Level) -> gpiocdev::Result<()> {
        if self.driven {
            return self.request.set_value(self.place.offset, value(level));
        }
        let mut config = Config::default();
        config.with_line(self.place.offset);
        configure(&mut config, wanted, Purpose::Drive(level));
        self.request.reconfigure(&config)?;
        self.driven = true;
        Ok(())
    }

    /// The next edge that was told, with the kernel's time; none when there is none.
    pub(super) fn edge(&self) -> gpiocdev::Result<Option<(u64, Level)>> {
        if !self.edges || !self.request.has_edge_event()? {
            return Ok(None);
        }
        // Room for one: the library decodes only the first of what it reads.
        let mut buffer = vec![0; self.request.edge_event_u64_size()];
        let read = self.request.read_edge_events_into_slice(&mut buffer)?;
        let event = self.request.edge_event_from_slice(buffer.get(..read).unwrap_or(&buffer))?;
        Ok(Some((event.timestamp_ns, Level::from_bool(event.kind == EdgeKind::Rising))))
    }
}

/// What a line is requested for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    /// An input with its edges.
    Edges,
    /// An input that is looked at.
    Poll,
    /// An output that is left as it is.
    Look,
    /// An output, with this level.
    Drive(Level),
}

fn configure(config: &mut Config, wanted: &Wanted, purpose: Purpose) {
    match purpose {
        Purpose::Edges => config.as_input().with_edge_detection(EdgeDetection::BothEdges),
        Purpose::Poll => config.as_input(),
        Purpose::Look => config.as_is(),
        Purpose::Drive(level) => config.as_output(value(level)),
    };
    if wanted.active_low {
        config.as_active_low();
    }
    // The kernel refuses a bias for a line whose direction it is not told.
    if purpose != Purpose::Look
        && let Some(bias) = wanted.bias
    {
        config.with_bias(match bias {
            Bias::PullUp => KernelBias::PullUp,
            Bias::PullDown => KernelBias::PullDown,
            Bias::Disabled => KernelBias::Disabled,
        });
    }
}

const fn value(level: Level) -> Value {
    match level {
        Level::High => Value::Active,
        Level::Low => Value::Inactive,
    }
}

fn trouble(place: &Place, wanted: &Wanted, doing: &'static str, source: gpiocdev::Error) -> LinuxError {
    let line = wanted.line.clone();
    if errno(&source) == Some(Errno::EBUSY) {
        let info = gpiocdev::Chip::from_path(&place.chip).and_then(|chip| chip.line_info(place.offset));
        let by = info.map(|info| info.consumer).ok().filter(|consumer| !consumer.is_empty());
        return LinuxError::LineHeld { line, by: by.unwrap_or_else(|| "a driver".to_owned()) };
    }
    LinuxError::Line { line, doing, source }
}

/// What the system said, when it was the system that said something.
pub(super) fn errno(error: &gpiocdev::Error) -> Option<Errno> {
    match error {
        gpiocdev::Error::Os(errno) | gpiocdev::Error::Uapi(_, gpiocdev_uapi::Error::Os(errno)) => {
            Some(Errno::from_raw(errno.0))
        }
        _ => None,
    }
}

/// What chips without an interrupt say to a request for edges; which one depends on their driver.
fn lacks_interrupt(error: &gpiocdev::Error) -> bool {
    matches!(errno(error), Some(Errno::ENXIO | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ENODEV | Errno::ENOSYS))
}
