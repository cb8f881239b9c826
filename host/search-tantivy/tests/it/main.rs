//! The engine against the suite of its port, and what only it promises: its folder.

#[cfg(test)]
mod folder;
mod old;
#[cfg(test)]
mod suites;
