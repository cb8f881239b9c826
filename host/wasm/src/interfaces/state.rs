//! `halle:host/state`: bounded by what was granted.

use std::collections::BTreeMap;
use std::sync::Arc;

use halle_extensions::Problem;
use halle_extensions::services::PluginState;

use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::state;
use crate::guest::{Guest, problem};
use crate::weigh::Weigh;

const KEY_BYTES_MAX: usize = 200;
const KEYS_MAX: u32 = 1_000;
/// Keys of one instance.
const ALL_KEYS_MAX: usize = 10_000;

fn check_key(key: &str) -> Result<(), wit::Problem> {
    let is_sound = (1..=KEY_BYTES_MAX).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-'));
    if is_sound {
        return Ok(());
    }
    Err(problem("state/key", format!("a key has 1 to {KEY_BYTES_MAX} characters of A-Z a-z 0-9 . _ / -")))
}

async fn sizes(state: &dyn PluginState) -> Result<BTreeMap<String, u64>, Problem> {
    let mut sizes = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let keys = state.keys("", after.as_deref(), KEYS_MAX).await?;
        let Some(last) = keys.last() else { return Ok(sizes) };
        after = Some(last.clone());
        for key in keys {
            let value = state.get(&key).await?.map_or(0, |(value, _)| value.len());
            sizes.insert(key.clone(), (key.len() + value) as u64);
        }
    }
}

impl Guest {
    fn state(&self) -> Result<Arc<dyn PluginState>, wit::Problem> {
        let granted = self.grants.state_bytes_max > 0;
        let state = self.call.services.state.clone().filter(|_| granted);
        state.ok_or_else(|| problem("denied/state", "keeping state is not granted to this plugin"))
    }

    /// Checks that a value fits into what was granted, and counts it.
    async fn account(
        &mut self,
        state: &dyn PluginState,
        key: &str,
        bytes: usize,
    ) -> Result<(), wit::Problem> {
        if self.state_sizes.is_none() {
            self.state_sizes = Some(self.wait(sizes(state)).await?);
        }
        let granted = self.grants.state_bytes_max;
        let known = self.state_sizes.get_or_insert_default();
        let others: u64 = known.iter().filter(|(other, _)| *other != key).map(|(_, size)| size).sum();
        let size = (key.len() + bytes) as u64;
        let is_one_too_many = !known.contains_key(key) && known.len() >= ALL_KEYS_MAX;
        if others + size > granted || is_one_too_many {
            let message = format!("the state may hold {granted} bytes and {ALL_KEYS_MAX} keys");
            return Err(problem("limit/state-bytes", message));
        }
        known.insert(key.to_owned(), size);
        Ok(())
    }
}

impl Guest {
    /// Learns what one key takes now, after a write of it that failed. Counting all keys again would let a guest make the
    /// platform read everything at each of its calls.
    async fn look_again(&mut self, state: &dyn PluginState, key: &str) {
        let stored = self.wait(state.get(key)).await;
        let Some(known) = &mut self.state_sizes else { return };
        match stored {
            Ok(Some((value, _))) => drop(known.insert(key.to_owned(), (key.len() + value.len()) as u64)),
            Ok(None) => drop(known.remove(key)),
            // Nobody knows: all are counted at the next write, if there is one.
            Err(_) => self.state_sizes = None,
        }
    }
}

impl state::Host for Guest {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<(Vec<u8>, u64)>, wit::Problem>> {
        self.enter()?;
        let ready = check_key(&key).and_then(|()| self.state());
        Ok(match ready {
            Ok(state) => {
                let found = self.wait(state.get(&key)).await;
                self.gave(found.iter().flatten().map(|(value, _)| value.len() as u64).sum());
                found
            }
            Err(refused) => Err(refused),
        })
    }

    async fn put(
        &mut self,
        key: String,
        value: Vec<u8>,
        expected: Option<u64>,
    ) -> wasmtime::Result<Result<u64, wit::Problem>> {
        self.enter()?;
        self.took((key.len() + value.len()) as u64);
        let state = match check_key(&key).and_then(|()| self.state()) {
            Ok(state) => state,
            Err(refused) => return Ok(Err(refused)),
        };
        if let Err(refused) = self.account(&*state, &key, value.len()).await {
            return Ok(Err(refused));
        }
        let written = self.wait(state.put(&key, value, expected)).await;
        if written.is_err() {
            self.look_again(&*state, &key).await;
        }
        Ok(written)
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), wit::Problem>> {
        self.enter()?;
        let state = match check_key(&key).and_then(|()| self.state()) {
            Ok(state) => state,
            Err(refused) => return Ok(Err(refused)),
        };
        let deleted = self.wait(state.delete(&key)).await;
        match (&deleted, &mut self.state_sizes) {
            (Ok(()), Some(known)) => drop(known.remove(&key)),
            (Err(_), Some(_)) => self.look_again(&*state, &key).await,
            (_, None) => {}
        }
        Ok(deleted)
    }

    async fn keys(
        &mut self,
        prefix: String,
        after: Option<String>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<String>, wit::Problem>> {
        self.enter()?;
        let max = if max == 0 { KEYS_MAX } else { max.min(KEYS_MAX) };
        Ok(match self.state() {
            Ok(state) => {
                let keys = self.wait(state.keys(&prefix, after.as_deref(), max)).await;
                self.gave(keys.iter().map(Weigh::weight).sum());
                keys
            }
            Err(refused) => Err(refused),
        })
    }
}
