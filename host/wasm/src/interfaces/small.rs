//! `halle:host/progress`, `cancel`, `config`, `secrets`, and the packages that have types only.

use crate::bindings::shared::halle::base::types;
use crate::bindings::shared::halle::host::{cancel, config, messages, progress, secrets};
use crate::convert::one_line;
use crate::guest::Guest;

const TASK_NAME_BYTES_MAX: usize = 256;
const TASKS_MAX: u32 = 1_000;

impl types::Host for Guest {}

impl messages::Host for Guest {}

impl progress::Host for Guest {
    async fn task(&mut self, name: String, total: Option<u64>) -> wasmtime::Result<()> {
        self.enter()?;
        self.tasks = self.tasks.saturating_add(1);
        if self.tasks <= TASKS_MAX {
            let name = one_line(&self.redactor.text(&name), TASK_NAME_BYTES_MAX);
            self.call.services.log.task(&name, total);
        }
        Ok(())
    }

    async fn advance(&mut self, done: u64) -> wasmtime::Result<()> {
        self.enter()?;
        if (1..=TASKS_MAX).contains(&self.tasks) {
            self.call.services.log.advance(done);
        }
        Ok(())
    }
}

impl cancel::Host for Guest {
    async fn requested(&mut self) -> wasmtime::Result<bool> {
        self.enter()?;
        Ok(self.call.cancel.is_cancelled())
    }

    async fn remaining_ms(&mut self) -> wasmtime::Result<u64> {
        self.enter()?;
        let left = self.limits.wall_ms_max.saturating_sub(self.meter.wall_ms());
        Ok(if self.call.cancel.is_cancelled() { left.min(self.limits.grace_ms) } else { left })
    }
}

impl config::Host for Guest {
    async fn get(&mut self) -> wasmtime::Result<String> {
        self.enter()?;
        let config = self.call.config.to_string();
        self.gave(config.len() as u64);
        Ok(config)
    }
}

impl secrets::Host for Guest {
    async fn names(&mut self) -> wasmtime::Result<Vec<String>> {
        self.enter()?;
        let granted = self.call.secrets.iter().filter(|(name, _)| self.grants.secrets.contains(name));
        Ok(granted.map(|(name, _)| name.clone()).collect())
    }
}
