//! The bytes of the content: opened, unwrapped, and guarded.

/// Bytes that a compressed file may hold once decompressed.
pub const EXPANDED_BYTES_MAX: u64 = 20 << 30;

/// How many times its size a compressed file may grow. Real tables reach 30; deflate could reach 1000.
pub const EXPANSION_RATIO_MAX: u64 = 200;

/// Bytes up to which the ratio does not matter: a small file of one repeated row is no attack.
pub const EXPANSION_FREE_BYTES: u64 = 16 << 20;
