//! CBOR as authenticators write it: definite lengths, no floats of half precision, map keys that are numbers or text,
//! each once, as the reader of `@simplewebauthn/server` takes it.
//!
//! Not `ciborium`: it takes indefinite lengths and double keys, and doesn't tell how long an item would be in its
//! shortest form, by which simplewebauthn finds the end of a key. The tests compare the two.

/// How deep items nest. Those of WebAuthn have three levels.
const MAX_DEPTH: u8 = 16;

/// An item. Bytes and text stay where they are.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Item<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    /// Not yet known to be UTF-8.
    Text(&'a [u8]),
    Array(Vec<Item<'a>>),
    Map(Vec<(Item<'a>, Item<'a>)>),
    Tag(u64, Box<Item<'a>>),
    /// false, true, null, undefined: 20 to 23.
    Simple(u8),
    Float(f64),
}

impl<'a> Item<'a> {
    /// The value of a map under a text.
    pub(super) fn field(&self, name: &str) -> Option<&Item<'a>> {
        self.find(|key| matches!(key, Item::Text(text) if *text == name.as_bytes()))
    }

    /// The value of a map under a number.
    pub(super) fn label(&self, label: i64) -> Option<&Item<'a>> {
        self.find(|key| *key == Item::Integer(label))
    }

    fn find(&self, is_it: impl Fn(&Item<'a>) -> bool) -> Option<&Item<'a>> {
        let Item::Map(members) = self else { return None };
        members.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
    }

    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Item::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Item::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        match self {
            Item::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// How many bytes it takes in its shortest form.
    pub(super) fn shortest(&self) -> usize {
        let head = |argument: u64| match argument {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        };
        let size = |length: usize| head(length as u64);
        match self {
            Item::Integer(number) => head(if *number < 0 { !*number } else { *number }.unsigned_abs()),
            Item::Bytes(bytes) | Item::Text(bytes) => size(bytes.len()) + bytes.len(),
            Item::Array(items) => size(items.len()) + items.iter().map(Item::shortest).sum::<usize>(),
            Item::Map(members) => {
                let each = members.iter().map(|(key, value)| key.shortest() + value.shortest());
                size(members.len()) + each.sum::<usize>()
            }
            Item::Tag(tag, item) => head(*tag) + item.shortest(),
            Item::Simple(_) => 1,
            Item::Float(_) => 9,
        }
    }
}

/// The first item of the input, and how many bytes it takes there; `None` if it isn't well-formed.
pub(super) fn first(input: &[u8]) -> Option<(Item<'_>, usize)> {
    let mut reader = Reader { input, at: 0 };
    let item = reader.item(MAX_DEPTH)?;
    Some((item, reader.at))
}

struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        let taken = self.input.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self, bytes: u64) -> Option<u64> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// What the low bits of the first byte say. A longer form is for what the first byte has no room for, and numbers
    /// are JavaScript's.
    fn argument(&mut self, low: u8) -> Option<u64> {
        const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
        let number = match low {
            0..=23 => return Some(u64::from(low)),
            24..=27 => self.number(1 << (low - 24))?,
            _ => return None,
        };
        (24..=MAX_SAFE_INTEGER).contains(&number).then_some(number)
    }

    fn item(&mut self, depth: u8) -> Option<Item<'a>> {
        let depth = depth.checked_sub(1)?;
        let [first] = self.take(1)? else { return None };
        let low = first & 0x1f;
        Some(match first >> 5 {
            0 => Item::Integer(i64::try_from(self.argument(low)?).ok()?),
            1 => Item::Integer(!i64::try_from(self.argument(low)?).ok()?),
            2 => {
                let length = self.argument(low)?;
                Item::Bytes(self.take(length)?)
            }
            3 => {
                let length = self.argument(low)?;
                Item::Text(self.take(length)?)
            }
            4 => {
                let count = self.argument(low)?;
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(self.item(depth)?);
                }
                Item::Array(items)
            }
            5 => {
                let count = self.argument(low)?;
                let mut members = Vec::new();
                let mut keys = std::collections::HashSet::new();
                for _ in 0..count {
                    let from = self.at;
                    let key = self.item(depth)?;
                    // A number may be written in several ways, so it is compared by what it is.
                    let own = match &key {
                        Item::Integer(number) => (Some(*number), &[][..]),
                        Item::Text(text) => (None, *text),
                        _ => return None,
                    };
                    debug_assert!(self.at > from);
                    if !keys.insert(own) {
                        return None;
                    }
                    members.push((key, self.item(depth)?));
                }
                Item::Map(members)
            }
            6 => Item::Tag(self.argument(low)?, Box::new(self.item(depth)?)),
            _ => match low {
                20..=23 => Item::Simple(low),
                26 => {
                    let bits = u32::try_from(self.number(4)?).ok()?;
                    Item::Float(f64::from(f32::from_bits(bits)))
                }
                27 => Item::Float(f64::from_bits(self.number(8)?)),
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(input: &[u8]) -> Option<Item<'_>> {
        first(input).filter(|(_, end)| *end == input.len()).map(|(item, _)| item)
    }

    #[test]
    fn items_are_read() {
        assert_eq!(whole(&[0x18, 0x18]), Some(Item::Integer(24)));
        assert_eq!(whole(&[0x26]), Some(Item::Integer(-7)));
        assert_eq!(whole(&[0x39, 0x01, 0x00]), Some(Item::Integer(-257)));
        assert_eq!(whole(&[0x42, 1, 2]), Some(Item::Bytes(&[1, 2])));
        assert_eq!(whole(&[0xf5]), Some(Item::Simple(21)));
        let map = whole(&[0xa2, 0x01, 0x02, 0x61, b'a', 0x80]);
        assert_eq!(map.as_ref().and_then(|map| map.label(1)), Some(&Item::Integer(2)));
        assert_eq!(map.as_ref().and_then(|map| map.field("a")), Some(&Item::Array(vec![])));
    }

    #[test]
    fn what_is_no_cbor_of_webauthn_is_refused() {
        let deep = vec![0x81; 100_000];
        let mut nested = vec![0x81; 15];
        nested.push(0);
        assert!(whole(&nested).is_some());
        nested.insert(0, 0x81);
        assert_eq!(whole(&nested), None, "too deep");
        for bad in [
            &[][..],
            &deep,
            &[0x18, 23],
            &[0x1c],
            &[0x5f, 0x41, 0, 0xff],
            &[0x9f, 0xff],
            &[0xbf, 0xff],
            &[0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x5b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xba, 0xff, 0xff, 0xff, 0xff],
            &[0xa2, 1, 1, 1, 2],
            &[0xa2, 0x18, 0x20, 1, 0x19, 0, 0x20, 2],
            &[0xa1, 0x40, 1],
            &[0xf9, 0, 0],
            &[0xf8, 0x20],
            &[0xa1, 1],
        ] {
            assert_eq!(whole(bad), None, "{:02x?}", &bad[..bad.len().min(16)]);
        }
    }

    /// Where this reader takes an item, `ciborium` takes the same one.
    #[test]
    fn ciborium_agrees() {
        fn same(item: &Item<'_>, other: &ciborium::Value) -> bool {
            use ciborium::Value;
            match (item, other) {
                (Item::Integer(a), Value::Integer(b)) => i128::from(*a) == i128::from(*b),
                (Item::Bytes(a), Value::Bytes(b)) => a == b,
                (Item::Text(a), Value::Text(b)) => *a == b.as_bytes(),
                (Item::Array(a), Value::Array(b)) => {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
                }
                (Item::Map(a), Value::Map(b)) => {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.0, &b.0) && same(&a.1, &b.1))
                }
                (Item::Tag(a, item), Value::Tag(b, other)) => a == b && same(item, other),
                (Item::Simple(20), Value::Bool(false)) | (Item::Simple(21), Value::Bool(true)) => true,
                (Item::Simple(22 | 23), Value::Null) => true,
                (Item::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
                _ => false,
            }
        }
        fn is_plain(item: &Item<'_>) -> bool {
            match item {
                // ciborium makes numbers of tags 2 and 3, and text has to be UTF-8.
                Item::Tag(..) => false,
                Item::Text(text) => std::str::from_utf8(text).is_ok(),
                Item::Array(items) => items.iter().all(is_plain),
                Item::Map(members) => members.iter().all(|(key, value)| is_plain(key) && is_plain(value)),
                _ => true,
            }
        }
        let mut random = super::super::tests::Random(7);
        let mut compared = 0;
        for _ in 0..50_000 {
            let length = random.below(40) + 1;
            let mut input: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            input[0] = [0x81, 0x82, 0xa1, 0xa2, 0x43, 0x63, 0x18, 0x38][random.below(8)];
            let Some((item, end)) = first(&input) else { continue };
            if !is_plain(&item) {
                continue;
            }
            let other: ciborium::Value = ciborium::de::from_reader_with_recursion_limit(&input[..end], 64)
                .unwrap_or(ciborium::Value::Null);
            assert!(same(&item, &other) || item == Item::Simple(22), "{:02x?}", &input[..end]);
            compared += 1;
        }
        assert!(compared > 1_000, "{compared}");
    }
}
