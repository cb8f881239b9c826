//! Attacks that need nothing of the host, so that guests of every kind can make them.

use std::hint::black_box;

/// Bytes that are taken at once.
const PIECE_BYTES: usize = 1 << 20;

/// Makes the attack of this name, and does not come back; comes back when it is none of these.
pub fn compute(attack: &str) {
    match attack {
        "endless-loop" => spin(),
        "memory-bomb" => swallow(),
        "recursion" => {
            black_box(descend(0));
        }
        "panic" => panic!("a hostile panic"),
        _ => {}
    }
}

fn spin() -> ! {
    let mut steps = 0_u64;
    loop {
        steps = black_box(steps.wrapping_add(1));
    }
}

fn swallow() -> ! {
    let mut pieces = Vec::new();
    loop {
        pieces.push(black_box(vec![1_u8; PIECE_BYTES]));
    }
}

/// Deeper with every call: what is done with the answer keeps the frame.
fn descend(level: u64) -> u64 {
    let frame = black_box([level; 64]);
    let below = if black_box(true) { descend(level + 1) } else { 0 };
    below + frame[(level % 64) as usize]
}
