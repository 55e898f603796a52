//! What the integration tests share.

#![allow(dead_code, reason = "each test program uses its own part of this")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory for one test: in memory where the machine has such a place, for
/// the program makes what it writes durable, and a disk takes its time.
pub(crate) fn work() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory)
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}

/// The identity that the tests' root trees have.
pub(crate) const HOSTNQN: &str =
    "nqn.2014-08.org.nvmexpress:uuid:5f2a1c60-7d0e-4b57-9c11-3d9be0a4e7f1";
/// The identifier that belongs to [`HOSTNQN`].
pub(crate) const HOSTID: &str = "5f2a1c60-7d0e-4b57-9c11-3d9be0a4e7f1";

/// Programs that `configure` looks for in a root tree. The tests put empty
/// files in their places: nothing here runs them.
pub(crate) const STAND_INS: &[&str] = &[
    "usr/bin/ip",
    "usr/bin/stafd",
    "usr/sbin/dhcpcd",
    "usr/sbin/mkinitramfs",
    "usr/sbin/nvme",
    "usr/sbin/update-initramfs",
];

/// What stands in for the agent: as much of a program as `configure` looks at.
/// `machine` and the type of the one segment as in elf(5).
pub(crate) fn elf(machine: u16, segment: u32) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[16] = 3;
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    (bytes[32], bytes[54], bytes[56]) = (64, 56, 1);
    bytes.extend(segment.to_le_bytes());
    bytes.resize(64 + 56, 0);
    bytes.extend(b"a stand-in for nvmeroot-agent\n");
    bytes
}

/// The machine that the tests run on, as in elf(5).
pub(crate) fn machine() -> u16 {
    let mut head = [0; 20];
    let mut own = File::open("/proc/self/exe").expect("this program");
    own.read_exact(&mut head).expect("a header");
    u16::from_le_bytes([head[18], head[19]])
}

/// A stand-in that `configure` takes: loaded (1), and by itself.
pub(crate) fn stand_in() -> Vec<u8> {
    elf(machine(), 1)
}

/// The program under test, outside curtin's environment.
pub(crate) fn nvmeroot() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nvmeroot"));
    for variable in ["CONFIG", "TARGET_MOUNT_POINT", "COLUMNS", "NVMEROOT_AGENT"] {
        command.env_remove(variable);
    }
    command
}

/// What a finished program said.
pub(crate) struct ProgramOutput {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for ProgramOutput {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
        Self {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

pub(crate) fn run(command: &mut Command) -> ProgramOutput {
    command.output().expect("the program runs").into()
}

/// Puts [`STAND_INS`] and the host's identity into a root tree, and the links
/// by which Debian keeps the old names of `/usr`'s directories.
pub(crate) fn furnish(root: &Path) {
    for program in STAND_INS {
        write(&root.join(program), b"", 0o755);
    }
    write(
        &root.join("etc/nvme/hostnqn"),
        format!("{HOSTNQN}\n").as_bytes(),
        0o644,
    );
    write(
        &root.join("etc/nvme/hostid"),
        format!("{HOSTID}\n").as_bytes(),
        0o644,
    );
    std::fs::create_dir_all(root.join("usr/lib")).expect("a directory");
    for name in ["bin", "lib", "sbin"] {
        symlink(Path::new("usr").join(name), root.join(name)).expect("a link");
    }
}

/// Writes a file, and the directories that it needs.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) {
    std::fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a directory");
    std::fs::write(path, bytes).expect("a file");
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
}

/// What stands at one path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Directory {
        mode: u32,
    },
    File {
        mode: u32,
        bytes: Vec<u8>,
        changed: (i64, i64),
    },
    Link {
        target: PathBuf,
    },
}

/// Everything below a directory, by path; of files also when their content was
/// last written.
pub(crate) fn tree(top: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    let mut open = vec![top.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let meta = path.symlink_metadata().expect("metadata");
            let mode = meta.mode() & 0o7777;
            let entry = if meta.is_symlink() {
                Entry::Link {
                    target: path.read_link().expect("a link"),
                }
            } else if meta.is_dir() {
                open.push(path.clone());
                Entry::Directory { mode }
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                Entry::File {
                    mode,
                    bytes,
                    changed: (meta.mtime(), meta.mtime_nsec()),
                }
            };
            let inside = path.strip_prefix(top).expect("a path below the top");
            found.insert(inside.to_owned(), entry);
        }
    }
    found
}
