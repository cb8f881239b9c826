//! The commands of authors and administrators, from a key to a removed plugin, over one data folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use halle_testkit::guests::Script;

use crate::things::{PLUGIN, Things};

/// A folder where an author and an administrator work, and which keys the administrator trusts.
struct Desk {
    folder: tempfile::TempDir,
    trusted: String,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), trusted: String::new() };
        std::fs::write(desk.path("component.wasm"), Script::new().component()).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `halle plugin`: whether it succeeded, and what it said.
    fn run(&self, args: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halle"));
        command.current_dir(self.folder.path()).arg("plugin").args(args);
        command.env("HALLE_DATA_DIR", self.path("data")).env("HALLE_TRUSTED_KEYS", &self.trusted);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    #[track_caller]
    fn done(&self, args: &[&str]) -> String {
        let (done, said) = self.run(args);
        assert!(done, "`halle plugin {}`: {said}", args.join(" "));
        said
    }

    #[track_caller]
    fn refused(&self, args: &[&str]) -> String {
        let (done, said) = self.run(args);
        assert!(!done, "`halle plugin {}`: {said}", args.join(" "));
        said
    }

    /// Packs a version of the plugin that asks for `asks`, TOML after `[plugin]`; the name of its package.
    fn pack(&self, version: &str, asks: &str) -> String {
        let source = self.path("source");
        std::fs::create_dir_all(&source).unwrap();
        let manifest = format!(
            "schema = 1\n[plugin]\nid = \"{PLUGIN}\"\nversion = \"{version}\"\nkind = \"processing\"\n\
             contract = \"halle:processing@1\"\ntitle = {{ en = \"Nothing\" }}\nlicence = \"MIT\"\n{asks}"
        );
        std::fs::write(source.join("plugin.toml"), manifest).unwrap();
        let said = self.done(&["pack", "source", "--component", "component.wasm", "--out", "packages"]);
        said.trim().to_owned()
    }
}

fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn a_plugin_is_packed_signed_and_trusted() {
    let mut desk = Desk::new();
    let package = desk.pack("1.0.0", "");
    let unsigned = bytes(desk.path(&package));
    desk.pack("1.0.0", "");
    assert_eq!(bytes(desk.path(&package)), unsigned, "the same files give the same bytes");

    let made = desk.done(&["key", "new", "us.key"]);
    let public = desk.done(&["key", "show", "us.key"]).trim().to_owned();
    let secret = String::from_utf8(bytes(desk.path("us.key"))).unwrap();
    assert!(made.contains(&public) && public.starts_with("us="), "{made}");
    assert!(!made.contains(secret.lines().nth(1).unwrap()), "the private key was printed");

    assert!(desk.refused(&["install", &package]).contains("--accept-unsigned"));
    desk.done(&["sign", &package, "--key", "us.key"]);
    let refused = desk.refused(&["install", &package]);
    assert!(refused.contains("HALLE_TRUSTED_KEYS") && refused.contains(&public[3..]), "{refused}");
    assert_eq!(desk.done(&["list"]), "", "what was refused changed nothing");

    desk.trusted = public;
    desk.done(&["install", &package]);
    assert!(desk.done(&["versions", PLUGIN]).contains("signed by us"));

    desk.done(&["key", "new", "them.key"]);
    let next = desk.pack("1.1.0", "");
    desk.done(&["sign", &next, "--key", "them.key"]);
    let refused = desk.refused(&["install", &next, "--accept-unsigned"]);
    assert!(refused.contains("--accept-new-signer"), "{refused}");
    desk.done(&["install", &next, "--accept-unsigned", "--accept-new-signer"]);
    assert!(desk.done(&["versions", PLUGIN]).contains("1.1.0\tcurrent\tsigned by a stranger"));
}

#[tokio::test]
async fn versions_stand_side_by_side_and_what_is_used_stays() {
    let desk = Desk::new();
    let calls = "[http.api]\norigins = [\"https://a.example\"]\n";
    desk.pack("1.0.0", "");
    desk.pack("2.0.0", calls);
    std::fs::write(desk.path("packages/broken.halle-plugin"), b"no package").unwrap();
    let (sound, said) = desk.run(&["import", "packages", "--accept-unsigned"]);
    assert!(!sound && said.contains("broken.halle-plugin"), "{said}");
    assert!(
        desk.done(&["versions", PLUGIN]).starts_with("2.0.0\tcurrent"),
        "what was never granted gives way"
    );
    desk.done(&["rollback", PLUGIN]);
    desk.done(&["grant", PLUGIN]);
    std::fs::remove_file(desk.path("packages/broken.halle-plugin")).unwrap();

    let said = desk.done(&["import", "packages", "--accept-unsigned"]);
    assert!(said.contains("2.0.0 waits for consent; 1.0.0 runs meanwhile"), "{said}");
    assert!(said.contains("origins: https://a.example"), "{said}");
    assert!(said.contains("http: GET https://a.example"), "{said}");
    assert!(desk.done(&["list"]).contains("an upgrade waits"));
    let digest = said.split("--digest ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    assert!(desk.refused(&["grant", PLUGIN]).contains(digest), "which version was read about must be said");
    desk.done(&["grant", PLUGIN, "--digest", digest]);
    assert!(desk.done(&["versions", PLUGIN]).starts_with("2.0.0\tcurrent"));
    assert!(desk.done(&["rollback", PLUGIN]).contains("1.0.0 runs"));

    let mut things = Things::over(&desk.path("data")).await;
    let id = things.plant().await;
    let uses = desk.done(&["uses", PLUGIN]);
    assert!(uses.contains("processing") && uses.contains("remote-service") && uses.contains(&id), "{uses}");
    let refused = desk.refused(&["remove", PLUGIN]);
    assert!(refused.contains("processing") && refused.contains("organization:ville"), "{refused}");
    desk.done(&["disable", PLUGIN]);
    assert!(desk.done(&["list"]).contains("disabled"));
    desk.done(&["enable", PLUGIN]);
    assert!(desk.done(&["list"]).contains("\tgranted\t"));
}

#[test]
fn a_tar_archive_is_imported_and_an_unused_plugin_removed() {
    let desk = Desk::new();
    let package = desk.pack("1.0.0", "");
    let mut tar = tar::Builder::new(std::fs::File::create(desk.path("all.tar")).unwrap());
    tar.append_path_with_name(desk.path(&package), "some/folder/plug.halle-plugin").unwrap();
    tar.append_path_with_name(desk.path("component.wasm"), "read-me-not.wasm").unwrap();
    tar.finish().unwrap();
    let said = desk.done(&["import", "all.tar", "--accept-unsigned"]);
    assert_eq!(said.matches("is installed").count(), 1, "{said}");
    desk.done(&["remove", PLUGIN]);
    assert_eq!(desk.done(&["list"]), "");
    assert!(desk.refused(&["import", "source", "--accept-unsigned"]).contains("holds no package"));
}
