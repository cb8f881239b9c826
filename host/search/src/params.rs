//! Data Fair's query parameters, parsed and checked against the schema.
