//! The key of a series: the values of its labels, in their order.

/// Longer label values are cut.
const MAX_VALUE: usize = 128;

/// Appends one label value to a key: its length, then its bytes. Values are cut to what one byte can count.
pub(super) fn put(key: &mut Vec<u8>, value: &str) {
    let value = cut(value);
    key.push(value.len() as u8);
    key.extend_from_slice(value.as_bytes());
}

/// The label values of a key.
pub(super) fn parts(mut key: &[u8]) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (length, rest) = key.split_first()?;
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        key = rest;
        std::str::from_utf8(value).ok()
    })
}

/// A label value as keys have it.
pub(super) fn cut(value: &str) -> &str {
    let mut end = value.len().min(MAX_VALUE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}
