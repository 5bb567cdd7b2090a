//! ASN.1 in DER, one element after another: for the few structures that no crate knows, and for the bytes that a parsed
//! one no longer has.

/// An element.
pub(super) struct Element<'a> {
    /// The first byte of the tag.
    pub(super) tag: u8,
    /// The number of a tag of several bytes; that of the first byte otherwise.
    pub(super) number: u32,
    pub(super) value: &'a [u8],
    /// Tag, length and value.
    pub(super) whole: &'a [u8],
    /// What comes after it.
    pub(super) rest: &'a [u8],
}

/// The first element of the input.
pub(super) fn first(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, mut at) = (input.first()?, 1);
    let mut number = u32::from(tag & 0x1f);
    if number == 0x1f {
        number = 0;
        loop {
            let byte = *input.get(at)?;
            at += 1;
            number = number.checked_mul(128)? + u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    let length = *input.get(at)?;
    at += 1;
    let length = match length {
        0..=0x7f => usize::from(length),
        0x81..=0x83 => {
            let bytes = input.get(at..at + usize::from(length & 0x7f))?;
            at += bytes.len();
            bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        _ => return None,
    };
    let end = at.checked_add(length)?;
    Some(Element {
        tag,
        number,
        value: input.get(at..end)?,
        whole: input.get(..end)?,
        rest: input.get(end..)?,
    })
}

/// The elements of the input, one after another.
pub(super) fn all(mut input: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while !input.is_empty() {
        let element = first(input)?;
        input = element.rest;
        elements.push(element);
    }
    Some(elements)
}
