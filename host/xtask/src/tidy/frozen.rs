//! The contract of `wit/` is frozen: plugins that exist were built against its very text.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::sources::Source;

/// Name of the file that holds the hashes of a version, as `sha256sum` writes them.
const SEAL: &str = ".frozen";

/// Breaches: a version without a seal, a file that is not what its seal says, a file that is gone or new.
pub fn check(files: &[Source]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for file in files {
        let Some((folder, name)) = file.path.rsplit_once('/') else { continue };
        // wit/<package>/<major>/<file>
        if folder.starts_with("wit/") && folder.split('/').count() == 3 {
            versions.entry(folder).or_default().push((name, &file.text));
        }
    }
    versions.iter().flat_map(|(folder, files)| version(folder, files)).collect()
}

fn version(folder: &str, files: &[(&str, &str)]) -> Vec<String> {
    let Some((_, seal)) = files.iter().find(|(name, _)| *name == SEAL) else {
        return vec![format!("{folder}: no {SEAL}: write it there with `sha256sum *.wit > {SEAL}`")];
    };
    let mut sealed: BTreeMap<&str, &str> =
        seal.lines().filter_map(|line| line.split_once("  ")).map(|(hash, name)| (name, hash)).collect();
    let mut breaches = Vec::new();
    for (name, text) in files.iter().filter(|(name, _)| *name != SEAL) {
        let hash = hex::encode(Sha256::digest(text));
        match sealed.remove(name) {
            Some(known) if known == hash => {}
            Some(_) => breaches.push(changed(folder, name)),
            None => {
                breaches.push(format!("{folder}/{name}: not in {SEAL}: a new file belongs to a new version"));
            }
        }
    }
    breaches.extend(sealed.keys().map(|name| format!("{folder}/{name}: in {SEAL}, and gone")));
    breaches
}

/// What is said of a frozen file that was edited.
fn changed(folder: &str, name: &str) -> String {
    let (package, major) = folder.rsplit_once('/').unwrap_or((folder, "1"));
    let next = major.parse::<u32>().map_or(2, |major| major + 1);
    format!(
        "{folder}/{name}: this file is frozen, plugins were built against it. Take the change back. What is only added (a \
         function or an interface, marked `@since`, with a higher minor version) is sealed again in {folder}: \
         `sha256sum *.wit > {SEAL}`; everything else is a new version: copy the folder to {package}/{next} and change it \
         there (wit/README.md)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_sealed_version_stays_as_it_is() {
        let text = "package halle:base@1.0.0;\n";
        let seal = format!("{}  base.wit\n", hex::encode(Sha256::digest(text)));
        let files = |text: &str| [file("wit/base/1/.frozen", &seal), file("wit/base/1/base.wit", text)];
        assert_eq!(check(&files(text)), Vec::<String>::new());
        let breaches = check(&files("package halle:base@1.0.1;\n"));
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].starts_with("wit/base/1/base.wit:") && breaches[0].contains("wit/base/2"));
        let alone = check(&files(text)[..1]);
        assert!(alone[0].contains("gone"), "{alone:?}");
        let [seal, base] = files(text);
        let more = check(&[seal, base, file("wit/base/1/more.wit", "")]);
        assert!(more[0].contains("new version"), "{more:?}");
    }

    #[test]
    fn a_version_without_a_seal_is_told() {
        let breaches = check(&[file("wit/new/1/new.wit", ""), file("wit/README.md", "")]);
        assert!(breaches.len() == 1 && breaches[0].contains("sha256sum"), "{breaches:?}");
    }
}
