//! The protobuf wire format: the fields of a message, borrowed from it.

use crate::model::reject::RejectReason;

/// Maximum nesting of groups, which OTLP does not have.
const MAX_GROUPS: usize = 32;

/// The content of a field, by wire type.
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A group: no field that is read has this type.
    Other,
    Bytes(&'a [u8]),
}

/// Iterator over the fields of a message. It ends after the first error.
pub(super) struct WireFields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for WireFields<'a> {
    type Item = Result<(u32, Wire<'a>), RejectReason>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(RejectReason::Malformed))
    }
}

impl<'a> WireFields<'a> {
    #[inline(always)]
    fn field(&mut self) -> Option<(u32, Wire<'a>)> {
        // As nearly all are: a number and a length of one byte each.
        if let [key @ 8..0x80, length @ 0..0x80, rest @ ..] = self.0
            && key & 7 == 2
        {
            let (taken, rest) = rest.split_at_checked(usize::from(*length))?;
            self.0 = rest;
            return Some((u32::from(*key >> 3), Wire::Bytes(taken)));
        }
        let (number, kind) = self.key()?;
        let wire = match kind {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            3 => {
                self.skip_group(number)?;
                Wire::Other
            }
            _ => return None,
        };
        Some((number, wire))
    }

    /// The number and the kind of a field.
    #[inline(always)]
    fn key(&mut self) -> Option<(u32, u32)> {
        let key = u32::try_from(self.varint()?).ok()?;
        (key >> 3 > 0).then_some((key >> 3, key & 7))
    }

    /// Up to the end of a group, with those inside it.
    fn skip_group(&mut self, number: u32) -> Option<()> {
        let mut open = vec![number];
        while let Some(innermost) = open.last().copied() {
            let length = match self.key()? {
                (_, 0) => {
                    self.varint()?;
                    0
                }
                (_, 1) => 8,
                (_, 2) => usize::try_from(self.varint()?).ok()?,
                (number, 3) if open.len() < MAX_GROUPS => {
                    open.push(number);
                    0
                }
                (number, 4) if number == innermost => {
                    open.pop();
                    0
                }
                (_, 5) => 4,
                _ => return None,
            };
            self.take(length)?;
        }
        Some(())
    }

    #[inline(always)]
    pub(super) fn varint(&mut self) -> Option<u64> {
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(u64::from(*byte));
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (i, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.0 = &self.0[i + 1..];
                // The tenth byte has room for one bit.
                return (i < 9 || *byte < 2).then_some(value);
            }
        }
        None
    }

    #[inline(always)]
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// The bytes of a message's only field, if it has this tag and is length-delimited.
#[inline]
pub(super) fn only(tag: u8, message: &[u8]) -> Option<&[u8]> {
    let mut rest = WireFields(message.strip_prefix(&[tag])?);
    let length = rest.varint()?;
    (rest.0.len() as u64 == length).then_some(rest.0)
}
