//! OpenAPI documents: one for the platform, one per dataset.
