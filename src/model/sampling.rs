//! Sampling: how many spans one stands for, where its sender kept only some.
//!
//! OpenTelemetry's probability sampling writes the rejection threshold T into the trace state, as `ot=th:c`: up to 14 hexadecimal
//! digits of a 56-bit number, zeros at its end left out. A span was kept with the probability p = 1 − T/2⁵⁶, so it stands for 1/p.
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>

use super::ids::TraceId;
use std::num::NonZeroU64;

/// 2⁵⁶: as many values as the randomness of a trace may have.
const ALL: u64 = 1 << 56;
/// Whoever keeps less than one span of so many does not sample: one such span would drown all others.
const MAX_WEIGHT: u64 = 1 << 30;

/// A rejection threshold: of 2⁵⁶ traces as many are dropped. A smaller one keeps more. Kept as one more than it is: where there is
/// none takes no room of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(NonZeroU64);

impl Threshold {
    /// `None`: nobody samples so.
    pub fn new(threshold: u64) -> Option<Self> {
        let kept = NonZeroU64::new(threshold.checked_add(1)?).map(Self);
        kept.filter(|_| threshold <= ALL - ALL / MAX_WEIGHT)
    }

    pub fn get(self) -> u64 {
        self.0.get() - 1
    }

    /// The threshold in a trace state; `None` where there is none, or one that is broken.
    pub fn of_trace_state(text: &str) -> Option<Self> {
        let mut members = text.split(',').map(str::trim);
        let own = members.find_map(|member| member.strip_prefix("ot="))?;
        let digits = own.split(';').find_map(|field| field.strip_prefix("th:"))?;
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if !(1..=14).contains(&digits.len()) || !digits.bytes().all(is_digit) {
            return None;
        }
        let number = u64::from_str_radix(digits, 16).ok()?;
        Self::new(number << (4 * (14 - digits.len())))
    }

    /// How many spans one of this trace stands for: 1/p, and where that is no whole number, one of its two neighbours, drawn by
    /// the trace so that the mean is 1/p. The same trace draws the same, in replay and in any order.
    pub fn weight(self, trace: TraceId) -> u64 {
        let kept = ALL - self.get();
        let (whole, rest) = (ALL / kept, ALL % kept);
        // Not the trace id itself: samplers have drawn by it already.
        let hash = rapidhash::v3::rapidhash_v3(trace.as_bytes());
        let drawn = (u128::from(hash) * u128::from(kept)) >> 64;
        whole + u64::from(drawn < u128::from(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(n: u128) -> TraceId {
        TraceId::new(&n.to_be_bytes()).expect("not zero")
    }

    #[test]
    fn the_threshold_is_found_in_the_trace_state_or_there_is_none() {
        for (text, threshold) in [
            ("ot=th:c", Some(0xc0_0000_0000_0000)),
            ("ot=th:0", Some(0)),
            ("ot=rv:d29d6a7215ced0;th:8", Some(0x80_0000_0000_0000)),
            ("vendor=1, ot=th:ab12 ,x=2", Some(0xab_1200_0000_0000)),
            ("ot=th:fd70a3d70a3d71", Some(0xfd_70a3_d70a_3d71)),
            ("", None),
            ("vendor=th:c", None),
            ("notot=th:c", None),
            ("ot=p:8;r:62", None),
            ("ot=th:", None),
            ("ot=th:C", None),
            ("ot=th:-1", None),
            ("ot=th:xyz", None),
            ("ot=th:012345678901234", None),
            ("ot=th:ffffffffffffff", None),
        ] {
            let found = Threshold::of_trace_state(text).map(Threshold::get);
            assert_eq!(found, threshold, "{text}");
        }
    }

    #[test]
    fn a_whole_weight_is_exact_and_a_broken_one_is_right_in_the_mean() {
        let weights = |threshold: u64| {
            let threshold = Threshold::new(threshold).expect("a threshold");
            // Traces that a sampler with this threshold keeps: the low 56 bits reach it.
            let traces =
                (1..40_000_u128).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
            let kept = traces.filter(move |n| (*n as u64) & (ALL - 1) >= threshold.get());
            kept.map(move |n| threshold.weight(trace(n)))
        };
        assert!(weights(0).all(|weight| weight == 1));
        assert!(weights(ALL / 4 * 3).all(|weight| weight == 4));
        // p = 0.3
        let thirds: Vec<u64> = weights(ALL / 10 * 7).collect();
        assert!(thirds.iter().all(|weight| [3, 4].contains(weight)));
        let mean = thirds.iter().sum::<u64>() as f64 / thirds.len() as f64;
        assert!((3.30..3.37).contains(&mean), "{mean}");
    }
}
