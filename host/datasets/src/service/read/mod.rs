//! Reads: lines, values, aggregations, exports.
