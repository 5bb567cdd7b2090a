//! jsonb out of JSON text in one pass. PostgreSQL's own `jsonb_in` takes most of the time of a function that
//! answers with a little of it. What it alone does right (numbers that aren't whole, texts that it refuses) is left
//! to it; what is written here is what it would write, byte by byte, which a test compares.
//!
//! The format is `jsonb.h`'s, see [`jsonb`](super::jsonb), and `numeric.c`'s for whole numbers.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

use super::jsonb::{ARRAY, CONTAINER, FALSE, HAS_OFFSET, KIND, LENGTH, NULL, NUMERIC, OBJECT, STRING, TRUE};

/// Each so many entries of a container, one has where it ends instead of its length.
const STRIDE: usize = 32;
/// The longest JSON that is written here: lengths have 28 bits, and what is as long is not what this is for.
const MAX_JSON: usize = 1 << 20;

/// The bytes of a jsonb with its header, if the text is an object or an array of what is written here.
pub(crate) fn write(json: &str) -> Option<Vec<u8>> {
    if json.len() > MAX_JSON {
        return None;
    }
    let node: Node<'_> = serde_json::from_str(json).ok()?;
    // The header of the value comes first.
    let mut buffer = Vec::with_capacity(2 * json.len() + 64);
    buffer.extend_from_slice(&[0; 4]);
    match node {
        Node::Object(_) | Node::Array(_) => write_node(&mut buffer, &node),
        _ => return None,
    };
    set_size(&mut buffer, 0);
    Some(buffer)
}

enum Node<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    /// In jsonb's order, each key once.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// A text that borrows from the JSON where nothing is escaped.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Text(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("a key is text")),
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Nodes)
    }
}

struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = Node<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON of whole numbers")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        i64::try_from(value).map(Node::Integer).map_err(E::custom)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        // An escaped NUL is one of these.
        if text.contains('\0') { Err(E::custom("NUL")) } else { Ok(Node::Text(Cow::Owned(text.to_owned()))) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = elements.next_element()? {
            nodes.push(node);
        }
        Ok(Node::Array(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Cow<'de, str>, Node<'de>)> = Vec::with_capacity(8);
        while let Some((Text(key), value)) = entries.next_entry()? {
            members.push((key, value));
        }
        // Stable, so that of several with one key the last one is the last, which counts.
        members.sort_by(|(one, _), (other, _)| {
            (one.len(), one.as_bytes()).cmp(&(other.len(), other.as_bytes()))
        });
        members.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        Ok(Node::Object(members))
    }
}

/// Appends a value, and gives its entry: kind, and length with what was padded before it.
fn write_node(buffer: &mut Vec<u8>, node: &Node<'_>) -> u32 {
    let start = buffer.len();
    let kind = match node {
        Node::Null => NULL,
        Node::Boolean(false) => FALSE,
        Node::Boolean(true) => TRUE,
        Node::Text(text) => {
            buffer.extend_from_slice(text.as_bytes());
            STRING
        }
        Node::Integer(value) => {
            align(buffer);
            write_integer(buffer, *value);
            NUMERIC
        }
        Node::Array(elements) => {
            let mut container = Container::begin(buffer, elements.len(), ARRAY, elements.len());
            for element in elements {
                container.push(buffer, |buffer| write_node(buffer, element));
            }
            CONTAINER
        }
        Node::Object(members) => {
            let mut container = Container::begin(buffer, members.len(), OBJECT, 2 * members.len());
            for (key, _) in members {
                container.push(buffer, |buffer| {
                    buffer.extend_from_slice(key.as_bytes());
                    STRING | size(key.len())
                });
            }
            for (_, value) in members {
                container.push(buffer, |buffer| write_node(buffer, value));
            }
            CONTAINER
        }
    };
    kind | size(buffer.len() - start)
}

/// A container whose entries are being filled in.
struct Container {
    /// Where the next entry goes.
    place: usize,
    count: usize,
    length: u32,
}

impl Container {
    /// Appends the header, and room for the entries.
    fn begin(buffer: &mut Vec<u8>, count: usize, kind: u32, entries: usize) -> Self {
        align(buffer);
        buffer.extend_from_slice(&(kind | size(count)).to_ne_bytes());
        let place = buffer.len();
        buffer.resize(place + 4 * entries, 0);
        Self { place, count: 0, length: 0 }
    }

    fn push(&mut self, buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> u32) {
        let mut entry = write(buffer);
        self.length += entry & LENGTH;
        if self.count.is_multiple_of(STRIDE) {
            entry = entry & KIND | self.length | HAS_OFFSET;
        }
        if let Some(place) = buffer.get_mut(self.place..self.place + 4) {
            place.copy_from_slice(&entry.to_ne_bytes());
        }
        self.place += 4;
        self.count += 1;
    }
}

/// Appends a numeric in its short form: digits of base 10,000, without zeroes at either end.
fn write_integer(buffer: &mut Vec<u8>, value: i64) {
    const SHORT: u16 = 0x8000;
    const NEGATIVE: u16 = 0x2000;
    let mut digits = [0i16; 5];
    let (mut rest, mut count) = (value.unsigned_abs(), 0);
    while rest > 0 {
        digits[4 - count] = (rest % 10_000) as i16;
        rest /= 10_000;
        count += 1;
    }
    // The weight of the first digit, as the power of 10,000.
    let weight = count.saturating_sub(1) as u16;
    let digits = &digits[5 - count..];
    let kept = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    let sign = if value < 0 { NEGATIVE } else { 0 };
    buffer.extend_from_slice(&(SHORT | sign | weight).to_ne_bytes());
    for digit in &digits[..kept] {
        buffer.extend_from_slice(&digit.to_ne_bytes());
    }
    set_size(buffer, start);
}

/// Writes the header of the value that begins at `start` and is the buffer's last.
fn set_size(buffer: &mut [u8], start: usize) {
    let length = i32::try_from(buffer.len() - start).unwrap_or_default();
    let mut header = [0u8; 4];
    // SAFETY: there is room for a header.
    unsafe { pgrx::set_varsize_4b(header.as_mut_ptr().cast(), length) };
    if let Some(place) = buffer.get_mut(start..start + 4) {
        place.copy_from_slice(&header);
    }
}

/// Pads to a whole word.
fn align(buffer: &mut Vec<u8>) {
    buffer.resize(buffer.len().next_multiple_of(4), 0);
}

/// A length or a count, which [`MAX_JSON`] keeps small.
fn size(of: usize) -> u32 {
    u32::try_from(of).unwrap_or_default()
}
