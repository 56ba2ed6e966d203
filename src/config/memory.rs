//! The limits of memory, in bytes under the memory limit of the process.

use super::Config;

/// The memory limit where the system does not report one.
const ASSUMED_MEMORY: u64 = 5 << 29;

impl Config {
    /// The memory limit that percentages are of.
    pub fn memory_limit(&self) -> u64 {
        self.memory.unwrap_or(ASSUMED_MEMORY)
    }

    /// Bytes of state above which the least recently used sessions are closed early.
    pub fn max_state(&self) -> usize {
        self.engine.max_state(self.memory_limit())
    }

    /// Bytes of state above which senders are asked to retry.
    pub fn soft_state(&self) -> usize {
        self.engine.soft_state(self.memory_limit())
    }

    /// Bytes of requests in flight.
    pub fn bytes_in_flight(&self) -> usize {
        self.receivers.otlp.bytes_in_flight(self.memory_limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Amount;

    #[test]
    fn limits_of_a_small_container_stay_in_order() {
        let mut config = Config {
            memory: Some(512 << 20),
            ..Config::default()
        };
        assert_eq!(config.max_state(), 256 << 20);
        assert_eq!(config.soft_state(), (512 << 20) * 2 / 5);
        let largest_request = config.receivers.otlp.max_decompressed_bytes;
        assert_eq!(config.bytes_in_flight(), largest_request);
        config.engine.soft_state_size = Amount::Bytes(1 << 30);
        assert_eq!(config.soft_state(), config.max_state());
    }
}
