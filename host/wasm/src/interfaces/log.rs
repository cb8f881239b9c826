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

/// How much a guest may still log.
#[derive(Debug)]
pub struct LogBudget {
    left: u32,
    dropped: u64,
}

impl LogBudget {
    /// Allows this many records.
    pub fn new(records_max: u32) -> Self {
        Self { left: records_max, dropped: 0 }
    }

    /// Whether one more record may be written; counts it either way.
    fn take(&mut self) -> bool {
        let may = self.left > 0;
        if may {
            self.left -= 1;
        } else {
            self.dropped += 1;
        }
        may
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
        self.call.services.log.emit(level, &message, &fields);
        Ok(())
    }
}

impl Guest {
    /// Ends the log: tells how much of it was dropped.
    pub fn close_log(&mut self) {
        let dropped = std::mem::take(&mut self.log.dropped);
        if dropped > 0 {
            let message = format!(
                "Journal trop long : {dropped} lignes ignorées. / The log was too long: {dropped} records were dropped."
            );
            self.call.services.log.emit(LogLevel::Warn, &message, &[]);
        }
    }
}
