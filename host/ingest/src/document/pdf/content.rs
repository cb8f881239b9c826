//! The operators of a page: where which text is shown.
//!
//! A page tells no words, only characters at places. Two that stand apart are of two words, two that are not on one line
//! are of two lines; both are decided in the direction in which the text runs.

use std::rc::Rc;

use super::Budget;
use super::fonts::{Font, Fonts};
use super::lexer::{Dict, Lexer, Object};
use super::objects::Objects;
use crate::document::gathered::Text;
use crate::error::IngestResult;

/// Forms within forms.
const FORMS_DEPTH_MAX: usize = 8;

/// States that are put aside at the same time.
const STATES_MAX: usize = 64;

/// Operands of one operator; more are of none.
const OPERANDS_MAX: usize = 64;

/// Distance between characters, in parts of their size, from which they are of two words.
const WORD_GAP: f64 = 0.16;

/// Distance across the line, in parts of the size, from which characters are on two lines.
const LINE_GAP: f64 = 0.5;

/// A change of places: `x' = ax + cy + e`, `y' = bx + dy + f`.
#[derive(Debug, Clone, Copy)]
struct Matrix([f64; 6]);

impl Matrix {
    const UNCHANGED: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    fn of(operands: &[Object]) -> Option<Self> {
        let numbers: Vec<f64> = operands.iter().filter_map(Object::as_number).collect();
        numbers.try_into().ok().map(Self)
    }

    fn moved(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// This change, then the other.
    fn then(self, Self([a, b, c, d, e, f]): Self) -> Self {
        let [ga, gb, gc, gd, ge, gf] = self.0;
        Self([
            ga * a + gb * c,
            ga * b + gb * d,
            gc * a + gd * c,
            gc * b + gd * d,
            ge * a + gf * c + e,
            ge * b + gf * d + f,
        ])
    }
}

/// What `q` puts aside and `Q` takes back.
#[derive(Clone)]
struct State {
    place: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    between_characters: f64,
    between_words: f64,
    /// Width of characters, in parts of what the font says.
    stretch: f64,
    leading: f64,
}

/// A page being read.
pub(super) struct Page<'a, 'b> {
    objects: &'a Objects<'b>,
    fonts: &'a mut Fonts,
    budget: &'a mut Budget,
    text: &'a mut Text,
    state: State,
    states: Vec<State>,
    /// Where the next character goes, and where its line began.
    at: Matrix,
    line: Matrix,
    /// Where the last character ended, on the page.
    end: Option<(f64, f64)>,
    /// Whether the text was moved by its own operators since.
    is_moved: bool,
}

impl<'a, 'b> Page<'a, 'b> {
    pub(super) fn new(
        objects: &'a Objects<'b>,
        fonts: &'a mut Fonts,
        budget: &'a mut Budget,
        text: &'a mut Text,
    ) -> Self {
        let state = State {
            place: Matrix::UNCHANGED,
            font: None,
            size: 1.0,
            between_characters: 0.0,
            between_words: 0.0,
            stretch: 1.0,
            leading: 0.0,
        };
        let (at, line) = (Matrix::UNCHANGED, Matrix::UNCHANGED);
        Self { objects, fonts, budget, text, state, states: Vec::new(), at, line, end: None, is_moved: false }
    }

    /// Does the operators of a page or of a form.
    pub(super) fn run(&mut self, content: &[u8], resources: &Dict, depth: usize) -> IngestResult<()> {
        let mut lexer = Lexer::new(content, 0);
        let mut operands: Vec<Object> = Vec::new();
        while !self.text.is_full()
            && let Some(object) = lexer.next(self.budget)?
        {
            match object {
                Object::Word(word) if word == "ID" => {
                    lexer.at = after_picture(content, lexer.at);
                    operands.clear();
                }
                Object::Word(word) => {
                    match word.as_str() {
                        "Tf" => self.choose_font(&operands, resources)?,
                        "Do" => self.form(&operands, resources, depth)?,
                        word => self.operate(word, &operands)?,
                    }
                    operands.clear();
                }
                object if operands.len() < OPERANDS_MAX => operands.push(object),
                _ => {}
            }
        }
        Ok(())
    }

    fn operate(&mut self, word: &str, operands: &[Object]) -> IngestResult<()> {
        let number = |at: usize| operands.get(at).and_then(Object::as_number).unwrap_or(0.0);
        match word {
            "q" if self.states.len() < STATES_MAX => self.states.push(self.state.clone()),
            "Q" => self.state = self.states.pop().unwrap_or_else(|| self.state.clone()),
            "cm" => {
                if let Some(change) = Matrix::of(operands) {
                    self.state.place = change.then(self.state.place);
                }
            }
            "BT" => self.move_to(Matrix::UNCHANGED),
            "Tc" => self.state.between_characters = number(0),
            "Tw" => self.state.between_words = number(0),
            "Tz" => self.state.stretch = number(0) / 100.0,
            "TL" => self.state.leading = number(0),
            "Td" => self.move_by(number(0), number(1)),
            "TD" => {
                self.state.leading = -number(1);
                self.move_by(number(0), number(1));
            }
            "Tm" => {
                if let Some(place) = Matrix::of(operands) {
                    self.move_to(place);
                }
            }
            "T*" => self.move_by(0.0, -self.state.leading),
            "Tj" => self.show_operand(operands.first())?,
            "'" => {
                self.move_by(0.0, -self.state.leading);
                self.show_operand(operands.first())?;
            }
            "\"" => {
                (self.state.between_words, self.state.between_characters) = (number(0), number(1));
                self.move_by(0.0, -self.state.leading);
                self.show_operand(operands.get(2))?;
            }
            "TJ" => {
                let Some(Object::Array(items)) = operands.first() else { return Ok(()) };
                for item in items {
                    match item {
                        Object::Number(back) => {
                            self.advance(-back / 1_000.0 * self.state.size * self.state.stretch);
                        }
                        item => self.show_operand(Some(item))?,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn move_to(&mut self, place: Matrix) {
        (self.at, self.line, self.is_moved) = (place, place, true);
    }

    fn move_by(&mut self, x: f64, y: f64) {
        self.move_to(Matrix::moved(x, y).then(self.line));
    }

    fn advance(&mut self, x: f64) {
        self.at = Matrix::moved(x, 0.0).then(self.at);
    }

    fn choose_font(&mut self, operands: &[Object], resources: &Dict) -> IngestResult<()> {
        let [Object::Name(name), Object::Number(size), ..] = operands else { return Ok(()) };
        self.state.size = *size;
        self.state.font = self.fonts.get(self.objects, resources, name, self.budget)?;
        Ok(())
    }

    /// Does a form: a piece of page that is drawn in several places. Pictures are no forms.
    fn form(&mut self, operands: &[Object], resources: &Dict, depth: usize) -> IngestResult<()> {
        let Some(Object::Name(name)) = operands.first() else { return Ok(()) };
        if depth >= FORMS_DEPTH_MAX {
            return Ok(());
        }
        let forms = self.objects.get(resources, "XObject", self.budget)?.and_then(Object::into_dict);
        let Some(number) = forms.and_then(|forms| forms.reference(name)) else { return Ok(()) };
        let is_form =
            self.objects.dict(number, self.budget)?.is_some_and(|dict| dict.name("Subtype") == Some("Form"));
        if !is_form {
            return Ok(());
        }
        let Some((dict, content)) = self.objects.form(number, self.budget)? else { return Ok(()) };
        let own = self.objects.get(&dict, "Resources", self.budget)?.and_then(Object::into_dict);
        let (before, states) = (self.state.clone(), std::mem::take(&mut self.states));
        if let Some(Object::Array(matrix)) = self.objects.get(&dict, "Matrix", self.budget)?
            && let Some(change) = Matrix::of(&matrix)
        {
            self.state.place = change.then(self.state.place);
        }
        self.run(&content, own.as_ref().unwrap_or(resources), depth + 1)?;
        (self.state, self.states) = (before, states);
        Ok(())
    }

    fn show_operand(&mut self, operand: Option<&Object>) -> IngestResult<()> {
        let Some(Object::String(string)) = operand else { return Ok(()) };
        let Some(font) = self.state.font.clone() else { return Ok(()) };
        self.part_from_last(&font);
        for shown in font.shown(string) {
            self.budget.step()?;
            self.text.push(&shown.text);
            let between =
                self.state.between_characters + if shown.is_space { self.state.between_words } else { 0.0 };
            self.advance((shown.width * self.state.size + between) * self.state.stretch);
        }
        let [.., x, y] = self.at.then(self.state.place).0;
        self.end = Some((x, y));
        self.is_moved = false;
        Ok(())
    }

    /// Ends the word, or the line, if what comes now stands apart from what came before.
    fn part_from_last(&mut self, font: &Font) {
        let [a, b, _, _, x, y] = self.at.then(self.state.place).0;
        let Some((end_x, end_y)) = self.end else { return };
        let length = a.hypot(b);
        let size = length * self.state.size.abs();
        if size <= 0.0 || !size.is_finite() {
            return self.text.space();
        }
        let (dx, dy) = (x - end_x, y - end_y);
        let along = (dx * a + dy * b) / length;
        let across = (dx * b - dy * a).abs() / length;
        if across > size * LINE_GAP {
            self.text.line();
        } else if along > size * WORD_GAP || along < -size || (self.is_moved && !font.has_widths) {
            self.text.space();
        }
    }
}

/// Where a picture within the operators ends.
fn after_picture(content: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = memchr::memmem::find(content.get(at..).unwrap_or_default(), b"EI") {
        at += found + 2;
        let white = |byte: Option<&u8>| byte.is_none_or(|byte| super::lexer::is_white(*byte));
        if white(content.get(at - 3)) && white(content.get(at)) {
            return at;
        }
    }
    content.len()
}
