//! What a caller sees of a dataset: the wire types.
