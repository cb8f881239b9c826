//! The engine against the suite of its port, and what only it promises: its folder.

#[cfg(test)]
mod folder;
#[cfg(test)]
mod old;
#[cfg(test)]
mod suites;
