//! Packages: one component, one signed manifest, static files, in one archive.
