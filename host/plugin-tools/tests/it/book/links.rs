//! A book whose links lead somewhere, and whose index has every page.

use std::path::{Path, PathBuf};

use super::{folder, page};

/// Pages by their path below the book, in order.
fn pages(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below).expect("the book is a folder") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Targets of the links of a text, code left out.
fn targets(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if is_code {
            continue;
        }
        let after = line.split("](").skip(1);
        found.extend(after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()));
    }
    found
}

#[test]
fn every_link_leads_to_a_file_and_the_index_has_every_page() {
    let index = page("README.md");
    for path in pages(&folder()) {
        let name = path.strip_prefix(folder()).unwrap().display().to_string();
        let text = page(&name);
        assert!(text.lines().count() < 500, "{name} is too long");
        for target in targets(&text).into_iter().filter(|target| !target.starts_with("https://")) {
            let (file, _) = target.split_once('#').unwrap_or((&target, ""));
            let leads = file.is_empty() || path.parent().unwrap().join(file).exists();
            assert!(leads, "{name}: nothing is at {target}");
        }
        assert!(name == "README.md" || targets(&index).contains(&name), "the index has no {name}");
    }
}
