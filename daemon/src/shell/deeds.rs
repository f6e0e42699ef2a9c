//! Each effect of the core, done. This is the one place where effects are carried out.

use ubmc_core::{
    effect::Effect,
    ids::{Generation, ServiceId},
    input::{Exit, Input, ServiceHappening, SpawnError, SpawnStage},
};

use super::Shell;
use crate::process::Order;

impl Shell {
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Spawn { service, generation, name, binary, readiness, watchdog, port, preflight } => {
                let order = Order { service, generation, name, binary, readiness, watchdog, port, preflight };
                self.processes.spawn(order);
            }
            Effect::StartBuiltin { service, generation, builtin } => {
                match self.builtins.start(service, generation, builtin) {
                    Ok(()) => {
                        self.happened(service, generation, ServiceHappening::Spawned { pid: None });
                        self.happened(service, generation, ServiceHappening::Ready);
                    }
                    Err(text) => {
                        let error = SpawnError { stage: SpawnStage::Prepare, errno: 0, text };
                        self.happened(service, generation, ServiceHappening::SpawnFailed(error));
                    }
                }
            }
            Effect::StopBuiltin { service, generation, now } => {
                // One that has ended by itself has said so; its life is over.
                self.builtins.stop(service, generation, now);
            }
            Effect::Signal { service, generation, signal, everything } => {
                self.processes.signal(service, generation, signal, everything);
            }
            Effect::RunStopCommand { service, generation, command, binary } => {
                let name = self.core.service(service).spec.name.clone();
                self.processes.run_stop_command(service, &name, generation, &command, &binary);
            }
            Effect::Check { service, generation, probe, check, timeout } => {
                let (prober, inlet) = (self.prober.clone(), self.inlet.clone());
                tokio::spawn(async move {
                    let verdict = prober.run(&check, timeout).await;
                    let happening = ServiceHappening::Checked {
                        probe,
                        passed: verdict.passed,
                        text: verdict.text,
                        took: verdict.took,
                    };
                    // A loop that has ended does not want to know.
                    let _ = inlet.send(Input::Service { service, generation, happening }).await;
                });
            }
            Effect::Command(command) => {
                if let Err(not_taken) = self.builtins.command(command) {
                    self.pending.push_back(not_taken.into());
                }
            }
            Effect::Reply(id, reply) => {
                if let Some(asker) = self.replies.remove(&id) {
                    // An asker who has gone needs no answer.
                    let _ = asker.send(reply);
                }
            }
            Effect::HoldFans(hold) => self.builtins.hold_fans(hold),
            Effect::Persist(memory) => self.memory.keep(memory),
            Effect::Exit(ending) => self.over = Some(ending),
        }
    }
}

/// What a built-in task's end means to the core.
pub(super) fn ended(service: ServiceId, generation: Generation, exit: Exit) -> [Input; 2] {
    [ServiceHappening::Exited(exit), ServiceHappening::Gone].map(|happening| Input::Service {
        service,
        generation,
        happening,
    })
}
