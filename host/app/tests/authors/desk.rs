//! A folder where an author works.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder, and what runs in it.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// An empty one. What builds plugins is kept from one run to the next, below `target`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cargo = folder.path().join(".cargo");
        std::fs::create_dir(&cargo).unwrap();
        let config = format!("[build]\ntarget-dir = {:?}\n", target().join("guests"));
        std::fs::write(cargo.join("config.toml"), config).unwrap();
        Self { folder }
    }

    /// Where a file is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `halle plugin` with these environment variables: what came of it.
    pub fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halle"));
        command.current_dir(self.folder.path()).arg("plugin").args(args).envs(env.iter().copied());
        command.env("HALLE_PLUGIN_TOOLS", target().join("plugin-tools")).env("HALLE_DATA_DIR", "data");
        command.output().unwrap()
    }

    /// Runs `halle plugin`, which must succeed: what it printed.
    #[track_caller]
    pub fn done(&self, args: &[&str]) -> String {
        self.done_with(args, &[])
    }

    /// The same, with environment variables.
    #[track_caller]
    pub fn done_with(&self, args: &[&str], env: &[(&str, &str)]) -> String {
        let Output { status, stdout, stderr } = self.run(args, env);
        let said = [&stdout[..], &stderr].concat();
        assert!(status.success(), "`halle plugin {}`: {}", args.join(" "), String::from_utf8_lossy(&said));
        String::from_utf8(stdout).unwrap()
    }
}

/// Where cargo builds.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}
