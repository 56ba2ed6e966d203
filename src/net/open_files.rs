//! The limit of open files: raised to what the system allows, and connection limits that fit it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

/// Open files that are no connections: the log and its snapshots, listeners, standard streams, what the runtime needs.
const RESERVED_FILES: u64 = 64;
/// No listener is left without connections.
const MIN_CONNECTIONS: usize = 4;

/// How many connections each listener may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    pub grpc: usize,
    pub http: usize,
    pub server: usize,
}

/// Raises the soft limit of open files to the hard limit; returns the limit that holds, `None` without one.
pub fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        info!(limit = current, "limit of open files");
        return current;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => {
            info!(
                limit = maximum,
                before = current,
                "raised the limit of open files"
            );
            maximum
        }
        Err(fault) => {
            warn!(limit = current, %fault, "cannot raise the limit of open files");
            current
        }
    }
}

/// The connection limits, made smaller where the limit of open files does not allow them. The server of metrics and probes goes
/// first, and has at most a quarter.
pub fn fit(wanted: ConnectionLimits, limit: Option<u64>) -> ConnectionLimits {
    let Some(limit) = limit else {
        return wanted;
    };
    let room = usize::try_from(limit.saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX);
    let asked = wanted.grpc.saturating_add(wanted.http);
    if asked.saturating_add(wanted.server) <= room {
        return wanted;
    }
    let server = wanted.server.min((room / 4).max(MIN_CONNECTIONS));
    let rest = room.saturating_sub(server);
    let share = |of: usize| {
        let share = of as u128 * rest as u128 / asked.max(1) as u128;
        usize::try_from(share)
            .unwrap_or(rest)
            .clamp(MIN_CONNECTIONS.min(of), of)
    };
    let fitted = ConnectionLimits {
        grpc: share(wanted.grpc),
        http: share(wanted.http),
        server,
    };
    warn!(
        open_files = limit,
        grpc = fitted.grpc,
        http = fitted.http,
        server = fitted.server,
        "the limit of open files is too low for max_connections: the connection limits were lowered; raise the limit of open files (ulimit -n, LimitNOFILE)"
    );
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: ConnectionLimits = ConnectionLimits {
        grpc: 2048,
        http: 2048,
        server: 128,
    };

    #[test]
    fn limits_that_fit_stay_and_others_shrink_until_they_fit() {
        assert_eq!(fit(WANTED, None), WANTED);
        assert_eq!(fit(WANTED, Some(4096 + 128 + RESERVED_FILES)), WANTED);
        let tight = fit(WANTED, Some(1024));
        assert_eq!((tight.grpc, tight.http, tight.server), (416, 416, 128));
        let uneven = fit(
            ConnectionLimits {
                grpc: 3000,
                http: 1000,
                server: 500,
            },
            Some(1064),
        );
        assert_eq!((uneven.grpc, uneven.http, uneven.server), (562, 187, 250));
    }

    #[test]
    fn no_listener_is_left_without_connections() {
        for limit in [0, 10, RESERVED_FILES, RESERVED_FILES + 1] {
            let tiny = fit(WANTED, Some(limit));
            assert_eq!((tiny.grpc, tiny.http, tiny.server), (4, 4, 4), "{limit}");
        }
        let one = ConnectionLimits {
            grpc: 1,
            http: 1,
            server: 1,
        };
        assert_eq!(fit(one, Some(0)), one);
    }

    #[test]
    fn the_limit_of_this_process_can_be_raised_more_than_once() {
        let first = raise();
        assert_eq!(raise(), first);
        assert_eq!(getrlimit(Resource::Nofile).current, first);
    }
}
