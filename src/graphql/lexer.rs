use async_graphql::Pos;

/// A token of a GraphQL document: what it is, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// In bytes.
    pub(super) start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[`, `{` or `(`.
    Open,
    /// `]`, `}` or `)`.
    Close,
    /// Another punctuator.
    Punctuator,
    Name,
    Number,
    /// A string or a block string.
    String,
    /// A string without an end; it is the last token.
    UnterminatedString,
    /// A character that begins no token.
    Character,
}

/// Splits a document into the tokens of
/// [the specification](https://spec.graphql.org/October2021/#sec-Appendix-Grammar-Summary.Lexical-Tokens), in one pass and without recursion.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    document: &'a str,
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(document: &'a str) -> Self {
        Self { document, rest: document }
    }

    /// Skips blanks, commas and comments.
    fn skip_ignored(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',', '\u{feff}']);
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.trim_start_matches(|char| char != '\n' && char != '\r');
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_ignored();
        let start = self.document.len().saturating_sub(self.rest.len());
        let first = self.rest.chars().next()?;
        let length = |belongs: fn(char) -> bool| {
            self.rest.find(|char| !belongs(char)).unwrap_or(self.rest.len()).max(first.len_utf8())
        };
        let (kind, length) = match first {
            '[' | '{' | '(' => (Kind::Open, 1),
            ']' | '}' | ')' => (Kind::Close, 1),
            '!' | '$' | '&' | ':' | '=' | '@' | '|' => (Kind::Punctuator, 1),
            '.' if self.rest.starts_with("...") => (Kind::Punctuator, 3),
            '"' => string(self.rest),
            'A'..='Z' | 'a'..='z' | '_' => {
                (Kind::Name, length(|char| char.is_ascii_alphanumeric() || char == '_'))
            }
            '-' | '0'..='9' => {
                (Kind::Number, length(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '+' | '-')))
            }
            other => (Kind::Character, other.len_utf8()),
        };
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Token { kind, text, start })
    }
}

/// The string that a text begins with, and its length in bytes.
fn string(text: &str) -> (Kind, usize) {
    const QUOTES: &str = "\"\"\"";
    let length = match text.strip_prefix(QUOTES) {
        Some(block) => {
            let mut ends = block.match_indices(QUOTES).map(|(at, _)| at);
            // An escaped end is of this string.
            let end = ends.find(|end| !block.get(..*end).is_some_and(|before| before.ends_with('\\')));
            end.map(|end| end + 2 * QUOTES.len())
        }
        None => {
            let mut escaped = false;
            let end = text.char_indices().skip(1).find(|(_, char)| match char {
                '\n' | '\r' => true,
                _ if escaped => {
                    escaped = false;
                    false
                }
                '\\' => {
                    escaped = true;
                    false
                }
                char => *char == '"',
            });
            end.filter(|(_, char)| *char == '"').map(|(end, _)| end + 1)
        }
    };
    match length {
        Some(length) => (Kind::String, length),
        None => (Kind::UnterminatedString, text.len()),
    }
}

/// The line and column of a byte, each from 1.
pub(super) fn position(document: &str, byte: usize) -> Pos {
    let before = document.get(..byte).unwrap_or(document);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Pos { line: 1 + before.matches('\n').count(), column: 1 + line.chars().count() }
}

/// The byte at a line and column.
pub(super) fn offset(document: &str, position: Pos) -> usize {
    let lines = document.split_inclusive('\n').take(position.line.saturating_sub(1));
    let line_start: usize = lines.map(str::len).sum();
    let line = document.get(line_start..).unwrap_or_default();
    let column = position.column.saturating_sub(1);
    line.char_indices().nth(column).map_or(document.len(), |(at, _)| line_start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(document: &str) -> Vec<(Kind, &str)> {
        Lexer::new(document).map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn tokens_are_those_of_the_specification() {
        use Kind::{Character, Close, Name, Number, Open, Punctuator, String, UnterminatedString};
        for (document, expected) in [
            ("", vec![]),
            ("\u{feff} ,\t\r\n#{[(\n", vec![]),
            ("#a\r{", vec![(Open, "{")]),
            ("{a}", vec![(Open, "{"), (Name, "a"), (Close, "}")]),
            ("...F", vec![(Punctuator, "..."), (Name, "F")]),
            ("$a:[A!]=-1.5e+3", {
                let before =
                    vec![(Punctuator, "$"), (Name, "a"), (Punctuator, ":"), (Open, "["), (Name, "A")];
                let after = [(Punctuator, "!"), (Close, "]"), (Punctuator, "="), (Number, "-1.5e+3")];
                before.into_iter().chain(after).collect()
            }),
            ("\"a\\\"[\\\\\"[", vec![(String, "\"a\\\"[\\\\\""), (Open, "[")]),
            ("\"", vec![(UnterminatedString, "\"")]),
            ("\"\" ", vec![(String, "\"\"")]),
            ("\"\"\"\"\"\"", vec![(String, "\"\"\"\"\"\"")]),
            ("\"\"\"\"\"", vec![(UnterminatedString, "\"\"\"\"\"")]),
            ("\"\"\"[\\\"\"\"\"\"\"[", vec![(String, "\"\"\"[\\\"\"\"\"\"\""), (Open, "[")]),
            ("\"\"\"\\\"\"\"\"\"", vec![(UnterminatedString, "\"\"\"\\\"\"\"\"\"")]),
            ("\"a\nb\"", vec![(UnterminatedString, "\"a\nb\"")]),
            ("\"a\\\nb\"", vec![(UnterminatedString, "\"a\\\nb\"")]),
            ("é.", vec![(Character, "é"), (Character, ".")]),
        ] {
            assert_eq!(kinds(document), expected, "{document}");
        }
    }

    #[test]
    fn positions_are_counted_in_characters() {
        let document = "{é\n\n  ü:x}";
        for (byte, char) in document.char_indices().filter(|(_, char)| *char != '\n') {
            let position = position(document, byte);
            assert_eq!(offset(document, position), byte, "{char}");
        }
        assert_eq!(position(document, document.find('x').unwrap()), Pos { line: 3, column: 5 });
        assert_eq!(offset(document, Pos { line: 3, column: 99 }), document.len());
        assert_eq!(offset(document, Pos { line: 9, column: 1 }), document.len());
    }
}
