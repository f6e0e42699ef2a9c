//! Operators who ask for anything, and registries that change while everything runs.

use ubmc_core::input::{Findings, Request};

use super::{World, board, registry};

impl World {
    pub(super) fn request(&mut self) -> Result<(), String> {
        if self.chance(0.15) {
            return self.reload();
        }
        if self.specs.is_empty() {
            return Ok(());
        }
        let some = |world: &mut Self| {
            let index = world.below(world.specs.len());
            world.specs[index].name.clone()
        };
        let names = match self.below(4) {
            0 => vec![some(self), some(self)],
            _ => vec![some(self)],
        };
        let force = self.chance(0.3);
        let request = match self.below(10) {
            0..=3 => Request::StartServices { names, force, found: Findings::default() },
            4..=6 => Request::StopServices { names, force },
            7 | 8 => Request::RestartServices { names, force, found: Findings::default() },
            _ => Request::ResetService(some(self)),
        };
        self.ask(request)
    }

    fn reload(&mut self) -> Result<(), String> {
        let dry_run = self.chance(0.2);
        let (specs, whole) = match self.below(10) {
            0 => (registry::with_a_cycle(&self.specs), false),
            1 | 2 => (self.specs.clone(), true),
            _ => (registry::redraw(&self.specs, &mut self.rng), true),
        };
        let before: Vec<_> =
            self.core.service_ids().into_iter().map(|id| (id, self.core.service(id).generation)).collect();
        let (lives, seq) = (self.lives.len(), self.next_seq);
        let same = specs == self.specs;
        let read = Ok(Box::new(board(specs.clone())));
        let declared = std::mem::replace(&mut self.specs, specs);
        self.reloaded = None;
        self.ask(Request::Reload { read, warnings: Vec::new(), dry_run })?;
        let accepted = self.reloaded.take();
        if dry_run || accepted.is_none() {
            self.specs = declared;
        }
        let unmoved = before.iter().all(|(id, generation)| self.core.service(*id).generation == *generation);
        let quiet = unmoved && lives == self.lives.len();
        match accepted {
            Some(_) if !whole && !same => Err("a registry that waits for itself was taken".to_owned()),
            Some(_) if dry_run && (!quiet || self.next_seq != seq) => Err("a dry run changed something".to_owned()),
            Some(view) if same && (!view.changes.is_empty() || !view.restarts.is_empty() || !quiet) => {
                Err(format!("the same registry changed something: {view:?}"))
            }
            None if !quiet => Err("a refused reload changed something".to_owned()),
            Some(_) | None => Ok(()),
        }
    }
}
