//! Byte search, eight bytes at a time (SIMD within a register): the highest bit of each byte says whether it matches.

/// The highest bit of all eight bytes.
pub(super) const HIGH_BITS: u64 = splat(0x80);

/// Eight times the same byte.
pub(super) const fn splat(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The place of the first byte that is looked for. Of those that `mark` marks by their highest bit the first of eight must be right;
/// the bytes after it need not be.
#[inline(always)]
pub(super) fn first(bytes: &[u8], mark: impl Fn(u64) -> u64) -> Option<usize> {
    let marked = |word: &[u8; 8]| mark(u64::from_le_bytes(*word)) & HIGH_BITS;
    // Long stretches have none: four at a time, without a branch between them, of which the compiler makes vectors.
    let none = |block: &[u8; 32]| {
        let (words, _) = block.as_chunks::<8>();
        words.iter().fold(0, |any, word| any | marked(word)) == 0
    };
    let (blocks, _) = bytes.as_chunks::<32>();
    let skipped = blocks.iter().take_while(|block| none(block)).count() * 32;
    let (words, rest) = bytes[skipped..].as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let marked = marked(word);
        if marked > 0 {
            return Some(skipped + number * 8 + marked.trailing_zeros() as usize / 8);
        }
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let place = marked(&last).trailing_zeros() as usize / 8;
    (place < rest.len()).then_some(skipped + words.len() * 8 + place)
}
