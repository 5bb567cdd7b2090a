//! Names that look like others: pure functions on text.

use unicode_normalization::is_nfkc;

/// Characters that show nothing: Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt of 16.0), what
/// marks annotations, and the blank of Braille.
const INVISIBLE: [(char, char); 22] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{85}', '\u{85}'),
    ('\u{7f}', '\u{7f}'),
];

/// Whether a name is written in the one way that shows it: no invisible characters, no spaces at its ends or two in
/// a row, and no other characters than those that Unicode's NFKC leaves (full width, ligatures, letters and marks
/// apart). Better Auth's own validator takes ASCII alone, so this is for validators that take more.
pub(super) fn is_plain(name: &str) -> bool {
    let is_hidden = |character: char| {
        character.is_control()
            || character != ' ' && character.is_whitespace()
            || INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&character))
    };
    is_nfkc(name) && !name.chars().any(is_hidden) && name.trim_matches(' ') == name && !name.contains("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_or_looks_like_something_else_is_not_plain() {
        for plain in ["ada", "Ada_1.x", "Ève", "ада", "愛", "a b", "-", "ß", "😀"] {
            assert!(is_plain(plain), "{plain}");
        }
        for odd in [
            "ad\u{200b}a",
            "a\u{ad}da",
            "ada\u{feff}",
            "\u{202e}ada",
            "ada\u{e0061}",
            "ａｄａ",
            "ﬁ",
            "e\u{301}",
            " ada",
            "ada ",
            "a  da",
            "a\u{a0}da",
            "a\nda",
            "a\0da",
            "ada\u{7f}",
            "a\u{2028}da",
            "𝐚da",
            "ſ",
            "\u{212a}",
            "ada\u{3164}",
            "a\u{fe0f}da",
            "a\u{2800}da",
        ] {
            assert!(!is_plain(odd), "{odd:?}");
        }
    }

    #[test]
    fn ranges_of_invisible_characters_are_ranges() {
        for (first, last) in INVISIBLE {
            assert!(first <= last, "{first:?}");
        }
    }
}
