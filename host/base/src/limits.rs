//! Limits that several crates share. Each has its unit in its name.

/// Longest page of lines a client may ask for, in lines (Data Fair: 10 000).
pub const PAGE_LINES_MAX: usize = 10_000;

/// Lines of a page when the client does not say (Data Fair: 12).
pub const PAGE_LINES_DEFAULT: usize = 12;

/// Columns of one dataset.
pub const DATASET_COLUMNS_MAX: usize = 1_000;

/// Bytes of one cell, after decoding.
pub const CELL_BYTES_MAX: usize = 1 << 20;

/// Rows of one batch on its way through the pipeline or to a plugin.
pub const BATCH_ROWS_MAX: usize = 4_096;

/// Bytes of one batch sent to a plugin.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// Bytes of one uploaded file when the configuration does not say.
pub const UPLOAD_BYTES_MAX: u64 = 5 << 30;

/// Bytes of a JSON body (Data Fair: 1000 kB).
pub const JSON_BODY_BYTES_MAX: usize = 1_000 * 1024;

/// Bytes of a plugin package, compressed.
pub const PACKAGE_BYTES_MAX: usize = 64 << 20;
