//! Words that have no place in the repository.

use super::sources::Source;

/// Breaches: unfinished work, and paths of somebody's machine.
pub fn check(files: &[Source]) -> Vec<String> {
    // Written in pieces, so that this file does not trip over itself.
    let unfinished = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    let machine = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| is_ours(&file.path)) {
        for (number, line) in file.text.lines().enumerate() {
            for word in unfinished.iter().filter(|word| holds_word(line, word)) {
                breaches.push(format!("{}:{}: `{word}`: finish it or file an issue", file.path, number + 1));
            }
            for path in machine.iter().filter(|path| line.contains(**path)) {
                breaches.push(format!("{}:{}: `{path}` is a path of one machine", file.path, number + 1));
            }
        }
    }
    breaches
}

fn is_ours(path: &str) -> bool {
    let foreign = ["LICENSE", "package-lock.json", "Cargo.lock", ".csv", ".snap", "/fonts/"];
    !foreign.iter().any(|part| path.contains(part))
}

fn holds_word(line: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}
