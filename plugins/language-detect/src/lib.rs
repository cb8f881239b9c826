//! Language of a text, by its alphabet and its sequences of three letters.
//!
//! Only the beginning of a text is read, which is enough to tell, and a text of a few letters is not guessed at. The
//! confidence, 0 to 1, is how far the best language is from the next one: among a short list of languages it is higher.
//!
//! **Invariant:** the same text and configuration give the same answer.

mod codes;

use halle_plugin::enricher::{Answer, Described, Enricher, Planned};
use halle_plugin::{BatchBuilder, Cell, Field, Kind, Problem, Result, Rows};
use serde::Deserialize;
use whatlang::Detector;

/// Characters of a text that are read.
const TEXT_CHARS_MAX: usize = 2_000;
/// Letters of the shortest text that is not refused.
const LETTERS_MIN: usize = 10;

/// The configuration, as the manifest describes it.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Key of the column of texts.
    column: String,
    /// Codes of the languages to choose from; all when empty.
    #[serde(default)]
    languages: Vec<String>,
}

impl Config {
    fn detector(&self) -> Result<Detector> {
        let mut languages = Vec::with_capacity(self.languages.len());
        for (at, code) in self.languages.iter().enumerate() {
            languages.push(codes::parse(code).ok_or_else(|| {
                let message = format!("La langue « {code} » n'est pas de celles que ce plugin reconnaît.");
                Problem::config(format!("/languages/{at}"), message)
            })?);
        }
        Ok(if languages.is_empty() { Detector::new() } else { Detector::with_allowlist(languages) })
    }
}

/// The enricher.
pub struct LanguageDetect {
    detector: Detector,
    outputs: [Field; 2],
}

fn outputs() -> [Field; 2] {
    [
        Field::new("langue", Kind::Text).titled("Langue"),
        Field::new("confiance", Kind::Number).titled("Confiance dans la langue (0 à 1)"),
    ]
}

impl Enricher for LanguageDetect {
    type Config = Config;

    fn describe() -> Described {
        let text = Field::new("texte", Kind::Text).titled("Texte");
        Described { title: "Langue d'un texte".to_owned(), inputs: vec![text] }
    }

    fn plan(input: &[Field], config: &Config) -> Result<Planned> {
        config.detector()?;
        match input.iter().find(|field| field.key == config.column) {
            None => {
                let message = format!("Il n'y a pas de colonne « {} ».", config.column);
                Err(Problem::config("/column", message))
            }
            Some(field) if field.known_kind() != Kind::Text => {
                let message = format!("La colonne « {} » ne contient pas de textes.", config.column);
                Err(Problem::config("/column", message))
            }
            Some(field) => Ok(Planned { inputs: vec![field.key.clone()], outputs: outputs().to_vec() }),
        }
    }

    fn open(_input: &[Field], config: Config) -> Result<Self> {
        Ok(Self { detector: config.detector()?, outputs: outputs() })
    }

    fn run(&mut self, rows: &Rows<'_>) -> Result<Answer> {
        let texts = rows
            .column_at(0)
            .ok_or_else(|| Problem::new("input/missing", "Il manque la colonne des textes."))?;
        let mut columns = BatchBuilder::new(&self.outputs);
        let mut problems = Vec::new();
        for row in 0..rows.len() {
            let text = texts.text(row).map(str::trim).filter(|text| !text.is_empty());
            match text.map(|text| self.detect(text)) {
                Some(Ok((code, confidence))) => columns.push([Cell::Text(code), Cell::Number(confidence)])?,
                Some(Err(reason)) => {
                    problems.push((row as u32, Problem::new("language-detect/unknown", reason)));
                    columns.push_missing()?;
                }
                None => columns.push_missing()?,
            }
        }
        Ok(Answer { columns: columns.finish(), problems })
    }
}

impl LanguageDetect {
    /// Code and confidence, or a short reason for people.
    fn detect(&self, text: &str) -> Result<(&'static str, f64), &'static str> {
        let end = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
        let text = &text[..end];
        // Ideographs say much: a sentence of four is a text.
        let weight = |c: char| if c.is_alphabetic() { if c.len_utf8() >= 3 { 3 } else { 1 } } else { 0 };
        if text.chars().map(weight).sum::<usize>() < LETTERS_MIN {
            return Err("texte trop court pour en dire la langue");
        }
        let found = self.detector.detect(text).ok_or("langue inconnue")?;
        Ok((codes::of(found.lang()), found.confidence().clamp(0.0, 1.0)))
    }
}

halle_plugin::export_enricher!(LanguageDetect);
