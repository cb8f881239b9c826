//! How much work and memory an evaluation has left.

use crate::error::Refusal;
use crate::{EVALUATION_BYTES_MAX, EXPRESSION_STEPS_MAX};

/// Bytes of text that are looked at in one step.
const TEXT_BYTES_PER_STEP: usize = 256;

/// Bytes that an item of an array takes.
const ITEM_BYTES: usize = 32;

/// What is left to an evaluation.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: u64,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { steps: EXPRESSION_STEPS_MAX, bytes: EVALUATION_BYTES_MAX }
    }

    /// Takes steps.
    pub(crate) fn steps(&mut self, steps: u64) -> Result<(), Refusal> {
        let Some(left) = self.steps.checked_sub(steps) else {
            return Err(format!("plus de {EXPRESSION_STEPS_MAX} étapes de calcul, simplifiez l'expression"));
        };
        self.steps = left;
        Ok(())
    }

    /// Takes the steps of looking at a text.
    pub(crate) fn reading(&mut self, text: &str) -> Result<(), Refusal> {
        self.steps((text.len() / TEXT_BYTES_PER_STEP) as u64)
    }

    /// Takes bytes for a new value.
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(left) = self.bytes.checked_sub(bytes) else {
            let max = EVALUATION_BYTES_MAX >> 20;
            return Err(format!("les valeurs calculées dépassent {max} Mo, simplifiez l'expression"));
        };
        self.bytes = left;
        self.steps((bytes / TEXT_BYTES_PER_STEP) as u64)
    }

    /// Takes what a new array of so many items needs.
    pub(crate) fn items(&mut self, items: usize) -> Result<(), Refusal> {
        self.bytes(items.saturating_mul(ITEM_BYTES))
    }

    /// Bytes that are left.
    pub(crate) fn bytes_left(&self) -> usize {
        self.bytes
    }
}
