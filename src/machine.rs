//! How much memory this process may use: the limit of its container, else the memory of the machine.
//!
//! Read from `/proc` and `/sys`. Crates that know cgroups were looked at: `sysinfo` reads the cgroup of the process but not those
//! above it, `cgroups-rs` manages cgroups and brings D-Bus along.

use std::fs;
use std::path::{Path, PathBuf};

/// The memory that a process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    pub bytes: u64,
    /// Where that is said, for people.
    pub source: String,
}

/// The memory of this process; `None`: the system does not say.
pub fn memory() -> Option<Memory> {
    memory_of(Path::new("/"))
}

/// The same with another root of the file system.
fn memory_of(root: &Path) -> Option<Memory> {
    let physical = physical(root);
    let limits = groups(root);
    let limits = limits.iter().filter_map(|file| limit(root, file));
    // The memory of the machine comes last: a limit above it is none.
    limits.chain(physical).reduce(|least, next| {
        if next.bytes < least.bytes {
            next
        } else {
            least
        }
    })
}

/// `MemTotal` of `/proc/meminfo`.
fn physical(root: &Path) -> Option<Memory> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(Memory {
        bytes: kib << 10,
        source: "the memory of the machine".into(),
    })
}

/// The files that may hold a limit: of the process's cgroup and of all above it, of both versions.
fn groups(root: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut files = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (mount, file) = if controllers.is_empty() {
            ("sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            continue;
        };
        // In a container the path may be that of the host, of which only the own group is mounted: as the root.
        let path = Path::new(path.trim_start_matches('/'));
        let above = path.ancestors();
        files.extend(above.map(|group| Path::new(mount).join(group).join(file)));
    }
    files
}

/// The limit in a file; `None`: there is no such file, or no limit.
fn limit(root: &Path, file: &Path) -> Option<Memory> {
    let text = fs::read_to_string(root.join(file)).ok()?;
    // `max` is no number: no limit.
    let bytes = text.trim().parse().ok()?;
    Some(Memory {
        bytes,
        source: format!("/{}", file.display()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system with these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, text).expect("written");
        }
        root
    }

    const MACHINE: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:        8388608 kB\nMemFree:   1 kB\n",
    );

    fn found(files: &[(&str, &str)]) -> Option<(u64, String)> {
        let root = system(files);
        memory_of(root.path()).map(|memory| (memory.bytes, memory.source))
    }

    #[test]
    fn the_machine_has_the_last_word() {
        let machine = Some((8 << 30, "the memory of the machine".to_owned()));
        assert_eq!(found(&[MACHINE]), machine);
        let group = ("proc/self/cgroup", "0::/\n");
        let none = ("sys/fs/cgroup/memory.max", "max\n");
        assert_eq!(found(&[MACHINE, group, none]), machine);
        let first = ("proc/self/cgroup", "4:memory:/\n");
        let none = (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        assert_eq!(found(&[MACHINE, first, none]), machine);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_least_limit_of_all_groups_above_counts() {
        let group = ("proc/self/cgroup", "0::/kubepods/pod1/container\n");
        let limits = [
            ("sys/fs/cgroup/kubepods/pod1/container/memory.max", "max\n"),
            ("sys/fs/cgroup/kubepods/pod1/memory.max", "536870912\n"),
            ("sys/fs/cgroup/kubepods/memory.max", "1073741824\n"),
        ];
        let files = [vec![MACHINE, group], limits.to_vec()].concat();
        let source = "/sys/fs/cgroup/kubepods/pod1/memory.max".to_owned();
        assert_eq!(found(&files), Some((512 << 20, source)));
    }

    #[test]
    fn a_group_of_version_1_and_a_path_of_the_host_are_understood() {
        let group = (
            "proc/self/cgroup",
            "5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n",
        );
        // Only the own group is mounted.
        let limit = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
        let source = "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned();
        assert_eq!(found(&[MACHINE, group, limit]), Some((256 << 20, source)));
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(memory().expect("Linux says so").bytes > 64 << 20);
    }
}
