//! The text of a PDF.
//!
//! Objects are found by looking for them, not by the table at the end of the file: that is what readers fall back to for
//! files that were cut or edited by hand, and it costs nothing at the sizes that are read here. Later objects replace
//! earlier ones of their number, as updates do. Nothing is kept of an object but where it is.
//!
//! What is not read: protected files, pictures of text, characters of fonts that do not tell which they are.

mod content;
mod filters;
mod fonts;
mod lexer;
mod objects;
mod unicode;

use std::collections::HashSet;

use super::gathered::Text;
use crate::error::{IngestError, IngestResult};
use content::Page;
use lexer::{Dict, Object};
use objects::Objects;

/// Pages of one document.
const PAGES_MAX: usize = 10_000;

/// Levels of the tree of pages.
const LEVELS_MAX: usize = 32;

/// What may still be spent on a document.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes out of decompressors.
    bytes: usize,
    /// Values read and operators done.
    steps: usize,
}

impl Budget {
    fn new() -> Self {
        Self { bytes: 64 << 20, steps: 20_000_000 }
    }

    /// Takes one step; an error when none is left.
    fn step(&mut self) -> IngestResult<()> {
        self.steps = self.steps.checked_sub(1).ok_or_else(too_long)?;
        Ok(())
    }

    /// Takes bytes; an error when they are not left.
    fn take(&mut self, bytes: usize) -> IngestResult<()> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(too_long)?;
        Ok(())
    }
}

fn too_long() -> IngestError {
    broken("il demande trop de calculs pour sa taille")
}

/// The refusal of a document.
fn broken(reason: &str) -> IngestError {
    IngestError::broken("le PDF".to_owned(), reason)
}

/// Adds the text of a document, page by page.
pub(super) fn read(bytes: &[u8], text: &mut Text) -> IngestResult<()> {
    let mut budget = Budget::new();
    let objects = Objects::find(bytes, &mut budget)?;
    if objects.is_encrypted() {
        return Err(broken(
            "il est protégé : enregistrez-le sans protection pour que son texte soit cherché",
        ));
    }
    let pages = pages(&objects, &mut budget)?;
    if pages.is_empty() {
        return Err(broken("il n'a pas de page lisible"));
    }
    let mut fonts = fonts::Fonts::default();
    for number in pages {
        if text.is_full() {
            break;
        }
        let Some(page) = objects.dict(number, &mut budget)? else { continue };
        let resources = resources(&objects, &page, &mut budget)?;
        let content = content_of(&objects, &page, &mut budget)?;
        let mut page = Page::new(&objects, &mut fonts, &mut budget, text);
        page.run(&content, &resources, 0)?;
        text.line();
    }
    Ok(())
}

/// Numbers of the pages, in their order; in the order of the file when their tree is broken.
fn pages(objects: &Objects<'_>, budget: &mut Budget) -> IngestResult<Vec<u32>> {
    let mut found = Vec::new();
    let root = match objects.catalog() {
        Some(catalog) => objects.dict(catalog, budget)?.and_then(|catalog| catalog.reference("Pages")),
        None => None,
    };
    let mut seen = HashSet::new();
    // The next node is the last of the list.
    let mut waiting: Vec<(u32, usize)> = root.map(|root| (root, 0)).into_iter().collect();
    while let Some((number, level)) = waiting.pop() {
        if found.len() >= PAGES_MAX || level > LEVELS_MAX || !seen.insert(number) {
            continue;
        }
        let Some(node) = objects.dict(number, budget)? else { continue };
        match objects.get(&node, "Kids", budget)? {
            Some(Object::Array(kids)) => {
                let kids = kids.iter().rev().filter_map(Object::as_reference);
                waiting.extend(kids.map(|kid| (kid, level + 1)));
            }
            _ => found.push(number),
        }
    }
    if found.is_empty() {
        found = objects.pages().iter().copied().take(PAGES_MAX).collect();
    }
    Ok(found)
}

/// The fonts and forms of a page: its own, or those of the nearest node above that has some.
fn resources(objects: &Objects<'_>, page: &Dict, budget: &mut Budget) -> IngestResult<Dict> {
    let mut node = page.clone();
    for _ in 0..LEVELS_MAX {
        if let Some(resources) = objects.get(&node, "Resources", budget)?.and_then(Object::into_dict) {
            return Ok(resources);
        }
        let Some(parent) = node.reference("Parent") else { break };
        let Some(above) = objects.dict(parent, budget)? else { break };
        node = above;
    }
    Ok(Dict::default())
}

/// The operators of a page: one stream, or several that are read as one.
fn content_of(objects: &Objects<'_>, page: &Dict, budget: &mut Budget) -> IngestResult<Vec<u8>> {
    let parts = match page.get("Contents") {
        Some(Object::Reference(number)) => match objects.object(*number, budget)? {
            Some(Object::Array(parts)) => parts,
            Some(_) => vec![Object::Reference(*number)],
            None => Vec::new(),
        },
        Some(Object::Array(parts)) => parts.clone(),
        _ => Vec::new(),
    };
    let mut content = Vec::new();
    for number in parts.iter().filter_map(Object::as_reference) {
        if let Some(part) = objects.stream(number, budget)? {
            content.extend_from_slice(&part);
            content.push(b'\n');
        }
    }
    Ok(content)
}
