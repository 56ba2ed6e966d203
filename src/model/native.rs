//! Native histograms of Prometheus: counts in exponential buckets, only those that have some.

/// Buckets per power of two, at the start: bounds grow by 9 %.
const SCHEMA: i32 = 3;
/// Values from here to 0 are in the zero bucket: sums are kept in billionths.
pub const ZERO_THRESHOLD: f64 = 1e-9;
/// More buckets than this of one histogram are joined in pairs.
const MAX_BUCKETS: usize = 160;
/// The upper bounds of the buckets between 0.5 and 1: `2^(i/8 - 1)`, as client_golang has them.
const BOUNDS: [f64; 8] = [
    0.5,
    0.545_253_866_332_628_8,
    0.594_603_557_501_360_5,
    0.648_419_777_325_504_8,
    0.707_106_781_186_547_5,
    0.771_105_412_703_970_4,
    0.840_896_415_253_714_4,
    0.917_004_043_204_671_3,
];

/// BucketCounts by bucket, in the order of the buckets. Bucket `i` ends at `2^(i / 2^schema)`.
pub type BucketCounts = Vec<(i32, u64)>;

/// A histogram without its sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    pub schema: i32,
    pub zero: u64,
    pub positive: BucketCounts,
    /// By the absolute value.
    pub negative: BucketCounts,
}

impl Default for Native {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            zero: 0,
            positive: Vec::new(),
            negative: Vec::new(),
        }
    }
}

impl Native {
    /// BucketCounts a value. The order of values leaves no mark.
    pub fn observe(&mut self, value: f64, count: u64) {
        if value.abs() <= ZERO_THRESHOLD {
            self.zero += count;
            return;
        }
        let bucket = halved(bucket(value.abs()), SCHEMA - self.schema);
        let side = if value > 0.0 {
            &mut self.positive
        } else {
            &mut self.negative
        };
        add(side, bucket, count);
        self.limit();
    }

    /// Adds the counts of another one, in the lower resolution of the two.
    pub fn join(&mut self, other: &Self) {
        self.lower_to(other.schema);
        let steps = other.schema - self.schema;
        self.zero += other.zero;
        for (side, more) in [
            (&mut self.positive, &other.positive),
            (&mut self.negative, &other.negative),
        ] {
            for (bucket, count) in more {
                add(side, halved(*bucket, steps), *count);
            }
        }
        self.limit();
    }

    /// Buckets that have counts.
    pub fn len(&self) -> usize {
        self.positive.len() + self.negative.len()
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub fn count(&self) -> u64 {
        let sides = self.positive.iter().chain(&self.negative);
        self.zero + sides.map(|(_, count)| count).sum::<u64>()
    }

    fn limit(&mut self) {
        while self.len() > MAX_BUCKETS {
            self.lower_to(self.schema - 1);
        }
    }

    fn lower_to(&mut self, schema: i32) {
        let steps = self.schema - schema;
        if steps <= 0 {
            return;
        }
        self.schema = schema;
        for side in [&mut self.positive, &mut self.negative] {
            for (bucket, _) in side.iter_mut() {
                *bucket = halved(*bucket, steps);
            }
            side.dedup_by(|next, known| {
                let is_same = next.0 == known.0;
                if is_same {
                    known.1 += next.1;
                }
                is_same
            });
        }
    }
}

fn add(side: &mut BucketCounts, bucket: i32, count: u64) {
    match side.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
        Ok(place) => side[place].1 += count,
        Err(place) => side.insert(place, (bucket, count)),
    }
}

/// The bucket of half the resolution that a bucket is in, so many times.
fn halved(bucket: i32, times: i32) -> i32 {
    (0..times).fold(bucket, |bucket, _| (bucket + 1) >> 1)
}

/// The bucket of a positive number, found by its bits, so that it is the same on every machine.
fn bucket(value: f64) -> i32 {
    const MANTISSA: u32 = 52;
    const BIAS: i32 = 1022;
    let bits = value.min(f64::MAX).to_bits();
    let exponent = (bits >> MANTISSA) as i32 - BIAS;
    // The same digits between 0.5 and 1.
    let fraction = f64::from_bits(bits & ((1 << MANTISSA) - 1) | (BIAS as u64) << MANTISSA);
    let place = BOUNDS.partition_point(|bound| *bound < fraction);
    (exponent - 1) * BOUNDS.len() as i32 + place as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_on_a_bound_is_in_the_bucket_below() {
        for (value, expected) in [
            (1.0, 0),
            (1.000_001, 1),
            (2.0, 8),
            (0.5, -8),
            (1.5, 5),
            (1024.0, 80),
            (f64::INFINITY, 8192),
        ] {
            assert_eq!(bucket(value), expected, "{value}");
        }
        let bound = |bucket: i32| (f64::from(bucket) / 8.0).exp2();
        for value in [1e-8, 0.003, 0.7, 1.3, 42.0, 1e6] {
            let found = bucket(value);
            assert!(bound(found - 1) < value && value <= bound(found), "{value}");
        }
    }

    #[test]
    fn nearly_nothing_is_zero_and_what_is_below_it_has_a_side_of_its_own() {
        let mut native = Native::default();
        for value in [0.0, ZERO_THRESHOLD, -ZERO_THRESHOLD, -1.0, 2.0] {
            native.observe(value, 2);
        }
        assert_eq!(native.zero, 6);
        assert_eq!(
            (&*native.positive, &*native.negative),
            (&[(8, 2)][..], &[(0, 2)][..])
        );
        assert_eq!(native.count(), 10);
    }

    proptest! {
        /// Neither order nor partitions leave a mark, in any resolution.
        #[test]
        fn parts_are_the_whole(values in prop::collection::vec((-70..70_i32, 0..100_u8, any::<bool>()), 0..600)) {
            let value = |(exponent, digits, negative): &(i32, u8, bool)| {
                let value = f64::from(*exponent).exp2() * (1.0 + f64::from(*digits) / 100.0);
                if *negative { -value } else { value }
            };
            let of = |values: &mut dyn Iterator<Item = f64>| {
                let mut native = Native::default();
                values.for_each(|value| native.observe(value, 1));
                native
            };
            let whole = of(&mut values.iter().map(value));
            prop_assert_eq!(&whole, &of(&mut values.iter().rev().map(value)));
            prop_assert!(whole.len() <= MAX_BUCKETS);
            prop_assert_eq!(whole.count(), values.len() as u64);
            let (one, other) = values.split_at(values.len() / 3);
            let (mut joined, more) = (of(&mut one.iter().map(value)), of(&mut other.iter().map(value)));
            joined.join(&more);
            prop_assert_eq!(joined, whole);
        }
    }
}
