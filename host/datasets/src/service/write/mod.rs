//! Edits of lines, one by one or in bulk.
