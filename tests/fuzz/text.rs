//! Texts that clients, mistakes and attackers send.

use std::ops::Bound::Included;

use bolero::{Driver, TypeGenerator};
use support::{ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, WRONG};

/// A password that no answer and no log may contain.
pub const CANARY: &str = "C4nary-S3cret-Zz";

/// Values that the shop knows.
const KNOWN: [&str; 12] = [
    EMAIL,
    PASSWORD,
    ADMIN,
    ADMIN_PASSWORD,
    WRONG,
    "N3w-Password!",
    "",
    "0",
    "1",
    "123456",
    "stranger@example.com",
    "email_template",
];

/// Pieces that often break parsers: brackets, quotes, comments, control and multi-byte characters.
const PIECES: [&str; 48] = [
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "\"",
    "\"\"\"",
    "\\",
    "\\\"",
    "\\u",
    "\\ud800",
    "\\u{110000}",
    "#",
    "\n",
    "\r\n",
    "\0",
    "\x1b",
    "\x7f",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "\u{200b}",
    "ß",
    "İ",
    "e\u{301}",
    "ﬁ",
    "🦀",
    "１",
    "＠",
    "@",
    ".",
    "..",
    "xn--",
    " ",
    "\t",
    "%00",
    "&",
    "+",
    "'",
    "--",
    "$",
    ":",
    ",",
    "a",
    "Z",
    "0",
];

/// Returns one element of a list, by a number of any size.
pub fn pick<T: Copy>(list: &[T], number: u8) -> T {
    list[usize::from(number) % list.len()]
}

/// Returns the last character boundary in a text up to `at`.
pub fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// A text for any place.
#[derive(Clone, Debug, TypeGenerator)]
pub enum Text {
    Known(u8),
    Few([Option<u8>; 4]),
    Pieces(Vec<u8>),
    Characters(String),
    Long(u8, u16),
}

impl Text {
    pub fn text(&self) -> String {
        match self {
            Self::Known(number) => pick(&KNOWN, *number).to_owned(),
            Self::Few(pieces) => pieces.iter().flatten().map(|number| pick(&PIECES, *number)).collect(),
            Self::Pieces(pieces) => pieces.iter().map(|number| pick(&PIECES, *number)).collect(),
            Self::Characters(text) => text.clone(),
            Self::Long(piece, times) => pick(&PIECES, *piece).repeat(usize::from(times % 2000)),
        }
    }
}

/// A text for the place of a password. It contains the canary.
#[derive(Clone, Debug, TypeGenerator)]
pub enum Secret {
    Canary,
    Before(Text),
    After(Text),
}

impl Secret {
    pub fn text(&self) -> String {
        match self {
            Self::Canary => CANARY.to_owned(),
            Self::Before(text) => format!("{CANARY}{}", text.text()),
            Self::After(text) => format!("{}{CANARY}", text.text()),
        }
    }
}

/// The depth of nesting: 1 to 10,000, with small and large depths equally likely.
#[derive(Clone, Copy, Debug)]
pub struct Depth(u16);

impl Depth {
    pub fn levels(self) -> usize {
        self.0.into()
    }
}

impl From<u16> for Depth {
    fn from(levels: u16) -> Self {
        Self(levels)
    }
}

impl TypeGenerator for Depth {
    fn generate<D: Driver>(driver: &mut D) -> Option<Self> {
        let most = pick(&[70, 400, 4_000, 10_000], driver.produce()?);
        driver.gen_u16(Included(&1), Included(&most)).map(Self)
    }
}
