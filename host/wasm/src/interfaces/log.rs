//! `halle:host/log`.

use halle_extensions::services::LogLevel;

use crate::bindings::shared::halle::host::log;
use crate::convert::one_line;
use crate::guest::Guest;
use crate::weigh::Weigh;

const MESSAGE_BYTES_MAX: usize = 4 << 10;
const FIELDS_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 64;
const VALUE_BYTES_MAX: usize = 1 << 10;

/// Bytes of all records of a call, names and values of fields included.
const LOG_BYTES_MAX: usize = 8 << 20;

/// How much a guest may still log.
#[derive(Debug)]
pub struct LogBudget {
    records_left: u32,
    bytes_left: usize,
    dropped: u64,
}

impl LogBudget {
    /// Allows this many records, of [`LOG_BYTES_MAX`] together.
    pub fn new(records_max: u32) -> Self {
        Self { records_left: records_max, bytes_left: LOG_BYTES_MAX, dropped: 0 }
    }

    /// Whether one more record may be written; counts it either way.
    fn take(&mut self) -> bool {
        let may = self.records_left > 0 && self.bytes_left > 0;
        if may {
            self.records_left -= 1;
        } else {
            self.dropped += 1;
        }
        may
    }

    /// Counts the bytes of a record that is written: the last one may be larger than what is left.
    fn wrote(&mut self, bytes: usize) {
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
    }
}

impl log::Host for Guest {
    async fn emit(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.enter()?;
        self.took(message.weight() + fields.weight());
        if !self.log.take() {
            return Ok(());
        }
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        let message = one_line(&self.redactor.text(&message), MESSAGE_BYTES_MAX);
        let field = |(name, value): &(String, String)| {
            let shown = |text: &str, bytes_max| one_line(&self.redactor.text(text), bytes_max);
            (shown(name, NAME_BYTES_MAX), shown(value, VALUE_BYTES_MAX))
        };
        let fields: Vec<(String, String)> = fields.iter().take(FIELDS_MAX).map(field).collect();
        let of_fields: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.log.wrote(message.len() + of_fields);
        self.call.services.log.emit(level, &message, &fields);
        Ok(())
    }
}

impl Guest {
    /// Ends the log: tells how much of it was dropped.
    pub fn close_log(&mut self) {
        let dropped = std::mem::take(&mut self.log.dropped);
        if dropped > 0 {
            self.call.services.log.left_out(dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LOG_BYTES_MAX, LogBudget, MESSAGE_BYTES_MAX};

    #[test]
    fn long_records_use_the_log_up_before_there_are_many() {
        let mut budget = LogBudget::new(10_000);
        let mut written = 0;
        for _ in 0..5_000 {
            if budget.take() {
                written += 1;
                budget.wrote(MESSAGE_BYTES_MAX);
            }
        }
        assert_eq!(written, LOG_BYTES_MAX / MESSAGE_BYTES_MAX);
        assert_eq!(budget.dropped, 5_000 - written as u64);
    }
}
