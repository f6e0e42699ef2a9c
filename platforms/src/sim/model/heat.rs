//! A lump of matter: one temperature, one way out for its heat.

/// A lump of matter with one temperature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lump {
    /// °C
    pub(super) temp: f64,
    /// J/K
    capacity: f64,
}

impl Lump {
    pub(super) const fn new(temp: f64, capacity: f64) -> Self {
        Self { temp, capacity }
    }

    /// Takes in `heat` W for `dt` s and loses it through `conductance` W/K to surroundings of `around` °C.
    ///
    /// Exact for constant conditions, so no step is too long to be stable.
    pub(super) fn step(&mut self, dt: f64, heat: f64, conductance: f64, around: f64) {
        let conductance = conductance.max(0.01);
        self.approach(around + heat / conductance, dt, self.capacity / conductance);
    }

    /// Comes nearer to `target`, with the time constant `tau` in seconds.
    pub(super) fn approach(&mut self, target: f64, dt: f64, tau: f64) {
        self.temp = lag(self.temp, target, dt, tau);
    }
}

/// `value` after `dt` s on its way to `target` with the time constant `tau` s.
pub(super) fn lag(value: f64, target: f64, dt: f64, tau: f64) -> f64 {
    target + (value - target) * (-dt / tau).exp()
}
