//! The limits of memory, in bytes under the memory limit of the process.

use super::Config;

/// The memory limit where nobody says one.
pub(super) const ASSUMED_MEMORY: u64 = 5 << 29;

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
    use crate::setting::Amount;

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
