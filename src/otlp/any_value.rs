//! Attributes and their values in protobuf.

use super::context::{DecodeContext, ItemResult, check_count, push_asked};
use super::fields::{Wire, WireFields, only};
use super::name_cache::{Lookup, NameCache};
use crate::model::reject::RejectReason;
use crate::otlp::view::{Attributes, Value};

/// The attributes of a resource.
pub(super) fn attributes<'a>(
    bytes: &'a [u8],
    into: &mut Attributes<'a>,
    context: &mut DecodeContext<'_, 'a>,
) -> ItemResult<()> {
    let mut seen = 0;
    for field in WireFields(bytes) {
        if let (1, Wire::Bytes(bytes)) = field? {
            attribute(bytes, &mut seen, into, context)?;
        }
    }
    Ok(())
}

/// Adds an attribute that is asked for, and counts it in any case.
#[inline]
pub(super) fn attribute<'a>(
    bytes: &'a [u8],
    seen: &mut usize,
    into: &mut Attributes<'a>,
    context: &mut DecodeContext<'_, 'a>,
) -> ItemResult<()> {
    check_count(*seen, context.limits)?;
    *seen += 1;
    let Some((name, held)) = usual(bytes) else {
        return unusual(bytes, into, context);
    };
    let lookup = context.look_up(name);
    if lookup == Lookup::Unasked {
        return Ok(());
    }
    let value = match plain(held, context.names) {
        Some(value) => value,
        None => {
            let mut value = Value::Empty;
            any_value(held, context.limits.max_depth, &mut value)?;
            value
        }
    };
    push_asked(into, lookup, value)
}

/// As [`attribute`], of one with a long name, without a value, or in another order.
#[cold]
fn unusual<'a>(
    bytes: &'a [u8],
    into: &mut Attributes<'a>,
    context: &mut DecodeContext<'_, 'a>,
) -> ItemResult<()> {
    let mut name: &[u8] = &[];
    for field in WireFields(bytes) {
        if let (1, Wire::Bytes(bytes)) = field? {
            name = bytes;
        }
    }
    let lookup = context.look_up(name);
    if lookup == Lookup::Unasked {
        return Ok(());
    }
    let (_, value) = key_value(bytes, context.limits.max_depth)?;
    push_asked(into, lookup, value)
}

/// The name and the value, both still to be read, of an attribute as nearly all are written: a short name, then a value.
#[inline]
fn usual(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, length @ 0..0x80, rest @ ..] = bytes else {
        return None;
    };
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((name, only(0x12, rest)?))
}

/// An `AnyValue` as nearly all are written: one field with a plain value.
#[inline]
fn plain<'a>(held: &'a [u8], names: &mut NameCache<'a>) -> Option<Value<'a>> {
    Some(match held {
        [0x0a, ..] => Value::Str(names.text(only(0x0a, held)?)?),
        [0x10, flag @ 0..2] => Value::Bool(*flag == 1),
        [0x18, number @ ..] => {
            let mut number = WireFields(number);
            let value = number.varint()?.cast_signed();
            number.0.is_empty().then_some(Value::Int(value))?
        }
        [0x21, bits @ ..] => Value::Double(f64::from_le_bytes(bits.try_into().ok()?)),
        _ => return None,
    })
}

fn key_value(bytes: &[u8], depth: usize) -> ItemResult<(&str, Value<'_>)> {
    let (mut key, mut held) = ("", Value::Empty);
    for field in WireFields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?,
            (2, Wire::Bytes(bytes)) => any_value(bytes, depth, &mut held)?,
            _ => {}
        }
    }
    Ok((key, held))
}

/// An `AnyValue`; `depth` is how many more levels it may have. As protobuf has it, a later field takes the place of an earlier
/// one, but lists go on.
pub(super) fn any_value<'a>(bytes: &'a [u8], depth: usize, held: &mut Value<'a>) -> ItemResult<()> {
    let depth = depth.checked_sub(1).ok_or(RejectReason::TooDeep)?;
    for field in WireFields(bytes) {
        *held = match field? {
            (1, Wire::Bytes(bytes)) => Value::Str(text(bytes)?),
            (2, Wire::Varint(flag)) => Value::Bool(flag != 0),
            (3, Wire::Varint(number)) => Value::Int(number.cast_signed()),
            (4, Wire::Fixed64(bits)) => Value::Double(f64::from_bits(bits)),
            (5, Wire::Bytes(bytes)) => {
                let mut items = match std::mem::take(held) {
                    Value::Array(items) => items,
                    _ => Vec::new(),
                };
                for field in WireFields(bytes) {
                    if let (1, Wire::Bytes(bytes)) = field? {
                        let mut item = Value::Empty;
                        any_value(bytes, depth, &mut item)?;
                        items.push(item);
                    }
                }
                Value::Array(items)
            }
            (6, Wire::Bytes(bytes)) => {
                let mut map = match std::mem::take(held) {
                    Value::Map(map) => map,
                    _ => Box::default(),
                };
                for field in WireFields(bytes) {
                    if let (1, Wire::Bytes(bytes)) = field? {
                        let (key, value) = key_value(bytes, depth)?;
                        map.push(key, value);
                    }
                }
                Value::Map(map)
            }
            // Bytes are read by no dialect; only profiles have the index of a string.
            (7, Wire::Bytes(_)) | (8, Wire::Varint(_)) => Value::Empty,
            _ => continue,
        };
    }
    Ok(())
}

pub(super) fn text(bytes: &[u8]) -> ItemResult<&str> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| RejectReason::InvalidUtf8)
}
