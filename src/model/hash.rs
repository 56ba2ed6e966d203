//! The hash of short names, which constants can have too.

/// The hash of a name: of its length, its beginning, its middle and its end, which is all of a name of up to 24 letters. Names are
/// compared where it is the same.
#[inline(always)]
pub const fn hash(name: &[u8]) -> u32 {
    let (first, middle, last) = match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => {
            let (_, rest) = name.split_at(name.len() / 2 - 4);
            let middle = match rest.first_chunk() {
                Some(middle) => u64::from_le_bytes(*middle),
                None => 0,
            };
            (
                u64::from_le_bytes(*first),
                middle,
                u64::from_le_bytes(*last),
            )
        }
        _ => (short(name), 0, 0),
    };
    let mixed = (first ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ middle.wrapping_mul(0xC2B2_AE3D_27D4_EB4F).rotate_left(21)
        ^ last.wrapping_mul(0x1656_67B1_9E37_79F9).rotate_left(42);
    (mixed.wrapping_mul(0x9FB2_1C65_1E98_DF25) >> 32) as u32
}

/// Fewer than eight letters as a number.
const fn short(name: &[u8]) -> u64 {
    let (mut number, mut i) = (0, 0);
    while i < name.len() {
        number = number << 8 | name[i] as u64;
        i += 1;
    }
    number
}
