//! An amount of memory: bytes, or a share of the memory limit.

use super::Config;

/// The memory limit where nobody says one.
pub(super) const ASSUMED_MEMORY: u64 = 5 << 29;

/// Bytes, or a share of the memory limit in per cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Bytes(usize),
    Percent(u8),
}

impl Amount {
    /// Its bytes under a memory limit.
    pub fn of(self, memory: u64) -> usize {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(share) => {
                let bytes = u128::from(memory) * u128::from(share) / 100;
                usize::try_from(bytes).unwrap_or(usize::MAX)
            }
        }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(_) => f.write_str("configured"),
            Self::Percent(share) => write!(f, "{share} % of the memory limit"),
        }
    }
}

impl Config {
    /// Bytes of state above which those touched least recently are closed early.
    pub fn max_state(&self) -> usize {
        self.max_state_bytes.of(self.memory)
    }

    /// Bytes of state above which senders are asked to retry.
    pub fn soft_state(&self) -> usize {
        // A size and a share may turn out the wrong way round.
        self.soft_state_bytes.of(self.memory).min(self.max_state())
    }

    /// Bytes of requests under way.
    pub fn bytes_in_flight(&self) -> usize {
        // The largest request must be taken in a small container too.
        let bytes = self.max_bytes_in_flight.of(self.memory);
        bytes.max(self.max_decompressed_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_one_of_the_memory_limit() {
        assert_eq!(Amount::Percent(40).of(1000), 400);
        assert_eq!(Amount::Percent(100).of(u64::MAX), usize::MAX);
        assert_eq!(Amount::Bytes(7).of(1000), 7);
    }

    #[test]
    fn limits_of_a_small_container_stay_in_order() {
        let mut config = Config {
            memory: 512 << 20,
            ..Config::default()
        };
        assert_eq!(config.max_state(), 256 << 20);
        assert_eq!(config.soft_state(), (512 << 20) * 2 / 5);
        assert_eq!(config.bytes_in_flight(), config.max_decompressed_bytes);
        config.soft_state_bytes = Amount::Bytes(1 << 30);
        assert_eq!(config.soft_state(), config.max_state());
    }
}
