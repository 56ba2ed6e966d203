//! Messages written field by field from what is only borrowed: prost's own way copies every text into a message first. What comes
//! out is what prost would write.

use crate::model::Name;
use prost::Message;
use prost::encoding::{WireType, encode_varint};

/// The fields of one message, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<u8>);

impl Fields {
    /// None, with room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Fields that were written before.
    pub(super) fn again(&mut self, written: &[u8]) {
        self.0.extend_from_slice(written);
    }

    #[inline]
    fn key(&mut self, field: u32, wire: WireType) {
        self.varint(u64::from(field << 3 | wire as u32));
    }

    /// Most need one byte.
    #[inline]
    fn varint(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(byte @ 0..0x80) => self.0.push(byte),
            _ => encode_varint(number, &mut self.0),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A field that is there, be it empty.
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, WireType::LengthDelimited);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A text that is not told apart from an empty one.
    pub(super) fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(field, text.as_bytes());
        }
    }

    pub(super) fn name(&mut self, field: u32, name: Option<&Name>) {
        if let Some(name) = name {
            self.bytes(field, name.as_bytes());
        }
    }

    /// A number that is there, be it 0; a flag is one.
    pub(super) fn number(&mut self, field: u32, number: impl Into<u64>) {
        self.key(field, WireType::Varint);
        self.varint(number.into());
    }

    /// A number that is 0 where it is missing.
    pub(super) fn count(&mut self, field: u32, number: impl Into<u64>) {
        let number = number.into();
        if number != 0 {
            self.number(field, number);
        }
    }

    pub(super) fn fixed32(&mut self, field: u32, number: u32) {
        self.key(field, WireType::ThirtyTwoBit);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn fixed64(&mut self, field: u32, number: u64) {
        self.key(field, WireType::SixtyFourBit);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn double(&mut self, field: u32, number: Option<f64>) {
        if let Some(number) = number {
            self.fixed64(field, number.to_bits());
        }
    }

    /// All in one field, one after the other.
    pub(super) fn packed(&mut self, field: u32, numbers: &[u32]) {
        if !numbers.is_empty() {
            self.key(field, WireType::LengthDelimited);
            self.varint(4 * numbers.len() as u64);
            numbers
                .iter()
                .for_each(|number| self.0.extend_from_slice(&number.to_le_bytes()));
        }
    }

    /// A message that prost writes.
    pub(super) fn whole(&mut self, field: u32, message: &impl Message) {
        prost::encoding::message::encode(field, message, &mut self.0);
    }

    /// A message inside this one.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.key(field, WireType::LengthDelimited);
        let from = self.0.len();
        // The length is known afterwards; most need one byte.
        self.0.push(0);
        write(self);
        let length = (self.0.len() - from - 1) as u64;
        let more = prost::encoding::encoded_len_varint(length) - 1;
        if more > 0 {
            let end = self.0.len();
            self.0.resize(end + more, 0);
            self.0.copy_within(from + 1..end, from + 1 + more);
        }
        encode_varint(length, &mut &mut self.0[from..=from + more]);
    }
}
