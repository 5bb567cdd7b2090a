//! Names that are made of other names, as PostgreSQL itself makes them.

use pgrx::pg_sys;

/// The longest name that PostgreSQL keeps whole, in bytes.
const LONGEST: usize = pg_sys::NAMEDATALEN as usize - 1;

/// `<table>_<column>_<label>`. Where that is longer than a name may be, the longer one of table and column is cut until
/// it isn't, so that the label stays: PostgreSQL's `makeObjectName()`. A statement that is given the whole of it would
/// have it cut at its end, where it is told from others.
pub(super) fn object_name(table: &str, column: &str, label: &str) -> String {
    let room = LONGEST.saturating_sub(label.len() + 2);
    let (mut of_table, mut of_column) = (table.len(), column.len());
    while of_table + of_column > room {
        if of_table > of_column {
            of_table -= 1;
        } else {
            of_column -= 1;
        }
    }
    format!("{}_{}_{label}", clip(table, of_table), clip(column, of_column))
}

/// The beginning of a text, of no more bytes than that, and no half characters.
fn clip(text: &str, mut bytes: usize) -> &str {
    while !text.is_char_boundary(bytes) {
        bytes -= 1;
    }
    text.get(..bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_stay_whole() {
        assert_eq!(object_name("session", "userId", "idx"), "session_userId_idx");
        assert_eq!(object_name(&"t".repeat(52), "userId", "idx"), format!("{}_userId_idx", "t".repeat(52)));
    }

    /// What PostgreSQL 15 calls the index of `CREATE INDEX ON table (column)`.
    #[test]
    fn long_names_are_cut_as_postgresql_does() {
        for (table, column, name) in [
            ("t".repeat(53), "userId".to_owned(), format!("{}_userId_idx", "t".repeat(52))),
            ("t".repeat(63), "userId".to_owned(), format!("{}_userId_idx", "t".repeat(52))),
            ("t".repeat(63), "c".repeat(63), format!("{}_{}_idx", "t".repeat(29), "c".repeat(29))),
            ("t".repeat(20), "c".repeat(63), format!("{}_{}_idx", "t".repeat(20), "c".repeat(38))),
            ("ü".repeat(31), "userId".to_owned(), format!("{}_userId_idx", "ü".repeat(26))),
            (format!("t{}", "ü".repeat(31)), "userId".to_owned(), format!("t{}_userId_idx", "ü".repeat(25))),
        ] {
            assert_eq!(object_name(&table, &column, "idx"), name);
            assert!(name.len() <= LONGEST, "{name}");
        }
    }

    #[test]
    fn a_label_with_a_number_takes_its_room() {
        assert_eq!(object_name(&"t".repeat(63), "userId", "idx1"), format!("{}_userId_idx1", "t".repeat(51)));
        assert_eq!(object_name("t", "c", &"l".repeat(70)), format!("__{}", "l".repeat(70)));
    }
}
