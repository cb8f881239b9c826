//! Columns of a table, from the statement that created it.

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// Type as it is written, in upper case, without its length: `VARCHAR`, `DOUBLE PRECISION`.
    pub(super) kind: String,
    /// Whether it is another name of the row's number.
    pub(super) is_row_id: bool,
}

/// The columns of `CREATE TABLE`; `None` for a statement that is not understood or a table without row numbers.
pub(super) fn columns(sql: &str) -> Option<Vec<TableColumn>> {
    let tokens = tokens(sql)?;
    let open = tokens.iter().position(|token| *token == Token::Mark('('))?;
    let mut depth = 0_usize;
    let (mut definitions, mut current, mut end) = (Vec::new(), Vec::new(), tokens.len());
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth = depth.checked_sub(1)?,
            Token::Mark(',') if depth == 1 => {
                definitions.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            end = at;
            break;
        }
        if at > open {
            current.push(token.clone());
        }
    }
    definitions.push(current);
    if tokens.get(end..)?.iter().any(|token| token.is_word("WITHOUT")) {
        return None;
    }
    Some(definitions.iter().filter_map(|definition| column(definition)).collect())
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// A name or text in quotes of any kind.
    Quoted(String),
    Mark(char),
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

fn tokens(sql: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        match first {
            c if c.is_whitespace() => rest = after,
            '-' if after.starts_with('-') => rest = after.find('\n').map_or("", |end| &after[end..]),
            '/' if after.starts_with('*') => rest = &after[after.find("*/")? + 2..],
            '"' | '\'' | '`' | '[' => {
                let close = if first == '[' { ']' } else { first };
                let (mut text, mut tail) = (String::new(), after);
                loop {
                    let end = tail.find(close)?;
                    text.push_str(&tail[..end]);
                    tail = &tail[end + 1..];
                    if close == ']' || !tail.starts_with(close) {
                        break;
                    }
                    text.push(close);
                    tail = &tail[1..];
                }
                tokens.push(Token::Quoted(text));
                rest = tail;
            }
            c if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                rest = &rest[end..];
            }
            mark => {
                tokens.push(Token::Mark(mark));
                rest = after;
            }
        }
    }
    Some(tokens)
}

/// A definition between two commas; `None` for a constraint of the table.
fn column(definition: &[Token]) -> Option<TableColumn> {
    const TABLE_CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    const COLUMN_CONSTRAINTS: [&str; 10] =
        ["CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "AS"];
    let (first, rest) = definition.split_first()?;
    let name = match first {
        Token::Word(word) if TABLE_CONSTRAINTS.iter().any(|known| word.eq_ignore_ascii_case(known)) => {
            return None;
        }
        Token::Word(name) | Token::Quoted(name) => name.clone(),
        Token::Mark(_) => return None,
    };
    let words = rest.iter().map_while(|token| match token {
        Token::Word(word) if COLUMN_CONSTRAINTS.iter().any(|known| word.eq_ignore_ascii_case(known)) => None,
        Token::Word(word) | Token::Quoted(word) => Some(word.to_ascii_uppercase()),
        Token::Mark(_) => None,
    });
    let kind = words.collect::<Vec<_>>().join(" ");
    let is_primary = rest.windows(2).any(|pair| pair[0].is_word("PRIMARY") && pair[1].is_word("KEY"));
    let is_row_id = is_primary && kind == "INTEGER";
    Some(TableColumn { name, kind, is_row_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_told_from_constraints() {
        let sql = "CREATE TABLE \"a (b\" (-- x\n fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, [la géo] POINT, \
                   \"d\"\"q\" VARCHAR(10) DEFAULT 'x, y', `e` DOUBLE PRECISION CHECK (e > 0, 1), f, \
                   CONSTRAINT pk UNIQUE (f), FOREIGN KEY (f) REFERENCES b (c))";
        let found = columns(sql).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|column| format!("{}:{}:{}", column.name, column.kind, column.is_row_id))
            .collect();
        assert_eq!(
            shown,
            [
                "fid:INTEGER:true",
                "la géo:POINT:false",
                "d\"q:VARCHAR:false",
                "e:DOUBLE PRECISION:false",
                "f::false"
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for sql in ["", "CREATE TABLE a", "CREATE TABLE a (\"b", "CREATE TABLE a (b INT) WITHOUT ROWID"] {
            assert_eq!(columns(sql), None, "{sql}");
        }
    }
}
