//! A source file stays under 500 lines, a function under 70.

use super::sources::Source;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Breaches among hand-written sources.
pub fn check(files: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| is_source(&file.path)) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            breaches
                .push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}: split it by verb", file.path));
        }
        if file.is_rust() {
            breaches.extend(long_functions(file));
        }
    }
    breaches
}

fn is_source(path: &str) -> bool {
    let by_hand = [".rs", ".ts", ".vue", ".js", ".mjs", ".py", ".wit", ".css", ".html"];
    by_hand.iter().any(|ending| path.ends_with(ending)) && !path.contains("/snapshots/")
}

/// Functions, told by the indentation that rustfmt guarantees: from the line of `fn` to the closing brace below it.
fn long_functions(file: &Source) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut breaches = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(name) = function_name(code) else { continue };
        let indent = &line[..line.len() - code.len()];
        let closing = format!("{indent}}}");
        if !has_body_below(&lines[start..]) {
            continue;
        }
        let Some(length) = lines[start..].iter().position(|line| **line == closing) else { continue };
        if length >= FUNCTION_LINES_MAX {
            let at = start + 1;
            breaches.push(format!(
                "{}:{at}: `{name}` has {} lines, at most {FUNCTION_LINES_MAX}",
                file.path,
                length + 1
            ));
        }
    }
    breaches
}

/// Whether the signature that begins here is followed by a body of several lines: neither a declaration nor a body that
/// ends on its line.
fn has_body_below(lines: &[&str]) -> bool {
    let end = lines.iter().map(|line| line.trim_end()).find(|line| line.ends_with(['{', '}', ';']));
    end.is_some_and(|line| line.ends_with('{'))
}

fn function_name(code: &str) -> Option<&str> {
    let mut words = code.split_whitespace();
    let position = words.position(|word| word == "fn")?;
    let only_qualifiers = code.split_whitespace().take(position).all(|word| {
        word.starts_with("pub") || matches!(word, "async" | "const" | "unsafe" | "extern" | "\"C\"")
    });
    let name = only_qualifiers.then(|| code.split_whitespace().nth(position + 1))??;
    name.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_named_with_its_line() {
        let body = "    let x = 1;\n".repeat(70);
        let text = format!(
            "struct A;\n\nimpl A {{\n    fn declared();\n    fn empty() {{}}\n    pub async fn long(\n        &self,\n    ) {{\n{body}    }}\n}}\n\nfn short() {{\n}}\n"
        );
        let file = Source { path: "a.rs".to_owned(), text };
        let breaches = check(std::slice::from_ref(&file));
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert!(breaches[0].starts_with("a.rs:6: `long` has 74 lines"), "{breaches:?}");
    }
}
