//! What a host's root stands on, between its filesystem and the target's drives.

use crate::host_spec::{Generator, TreeFile, Under};

/// The label of the root filesystem.
pub(crate) const ROOT_LABEL: &str = "labroot";

/// The volume group.
pub(crate) const GROUP: &str = "labvg";

/// The encrypted volume, as crypttab calls it.
pub(crate) const ENCRYPTED: &str = "labcrypt";

/// As `guest/stack.sh` makes it.
const ARRAY: &str = "ARRAY /dev/md/labroot metadata=1.2 name=labhost:labroot \
                     UUID=1ab00000:00000000:00000000:00000001";
const ENCRYPTED_UUID: &str = "1ab00000-0000-4000-8000-000000000002";

/// It guards nothing: a key as administrators have them, in a file; what is typed where
/// that is not there.
const KEY_FILE: &str = "etc/keys/labcrypt.key";
pub(crate) const KEY: &str = "what the lab's drive is opened with";

/// The files of an encrypted root whose key nobody has put into the initramfs.
pub(crate) fn asking(generator: Generator) -> Vec<TreeFile> {
    let mut files = Under::Luks.files(generator);
    files.retain(|file| file.path != KEY_FILE);
    for file in &mut files {
        // All but the table say how the key gets there.
        file.text = if file.path == "etc/crypttab" {
            file.text.replace(&format!("/{KEY_FILE}"), "none")
        } else {
            String::new()
        };
    }
    files
}

impl Under {
    /// What `guest/stack.sh` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Under::Drive => "drive",
            Under::Lvm => "lvm",
            Under::Apart => "apart",
            Under::Raid1 => "raid1",
            Under::Luks => "luks",
            Under::Btrfs => "btrfs",
        }
    }

    /// The packages that an installer adds for it: those for any, so that hosts share a
    /// tree.
    pub(crate) fn packages(self, generator: Generator) -> Vec<&'static str> {
        if self == Under::Drive {
            return Vec::new();
        }
        let mut packages = vec![
            "btrfs-progs",
            "cryptsetup",
            "e2fsprogs",
            "lvm2",
            "mdadm",
            "systemd-cryptsetup",
        ];
        if generator == Generator::InitramfsTools {
            packages.push("cryptsetup-initramfs");
        }
        packages
    }

    /// How many drives it lies on.
    pub(crate) fn drives(self) -> usize {
        match self {
            Under::Raid1 => 2,
            _ => 1,
        }
    }

    /// What the kernel command line says of root.
    pub(crate) fn root_words(self) -> String {
        match self {
            Under::Drive | Under::Raid1 => format!("root=LABEL={ROOT_LABEL}"),
            Under::Lvm | Under::Apart => format!("root=/dev/mapper/{GROUP}-root"),
            Under::Luks => format!("root=/dev/mapper/{ENCRYPTED}"),
            Under::Btrfs => format!("root=LABEL={ROOT_LABEL} rootflags=subvol=@"),
        }
    }

    /// Root's lines of fstab(5). `netdev` is an option more, after a comma.
    pub(crate) fn fstab(self, netdev: &str) -> String {
        let on = |device: &str| format!("{device} / ext4 defaults{netdev} 0 1\n");
        match self {
            Under::Drive | Under::Raid1 => on(&format!("LABEL={ROOT_LABEL}")),
            Under::Lvm => on(&format!("/dev/mapper/{GROUP}-root")),
            Under::Luks => on(&format!("/dev/mapper/{ENCRYPTED}")),
            Under::Apart => ["/", "/usr", "/var"]
                .map(|path| {
                    let name = path.trim_start_matches('/');
                    let name = if name.is_empty() { "root" } else { name };
                    format!("/dev/mapper/{GROUP}-{name} {path} ext4 defaults{netdev} 0 1\n")
                })
                .concat(),
            Under::Btrfs => format!("LABEL={ROOT_LABEL} / btrfs subvol=@{netdev} 0 0\n"),
        }
    }

    /// Whether that may be what is mounted as root, as findmnt(8) names it.
    pub(crate) fn is_source(self, source: &str) -> bool {
        match self {
            Under::Drive => source.starts_with("/dev/nvme"),
            Under::Lvm | Under::Apart => source == format!("/dev/mapper/{GROUP}-root"),
            Under::Raid1 => source.starts_with("/dev/md"),
            Under::Luks => source == format!("/dev/mapper/{ENCRYPTED}"),
            Under::Btrfs => source.starts_with("/dev/nvme") && source.ends_with("[/@]"),
        }
    }

    /// The files that an installer leaves for it.
    pub(crate) fn files(self, generator: Generator) -> Vec<TreeFile> {
        match (self, generator) {
            (Under::Drive | Under::Lvm | Under::Apart | Under::Btrfs, _) => Vec::new(),
            (Under::Raid1, _) => vec![TreeFile::new(
                "etc/mdadm/mdadm.conf",
                0o644,
                format!("HOMEHOST <system>\nMAILADDR root\nPOLICY action=re-add\n{ARRAY}\n"),
            )],
            (Under::Luks, generator) => {
                let table =
                    format!("{ENCRYPTED} UUID={ENCRYPTED_UUID} /{KEY_FILE} luks,initramfs\n");
                let to_image = match generator {
                    Generator::InitramfsTools => TreeFile::new(
                        "etc/cryptsetup-initramfs/conf-hook",
                        0o644,
                        format!("KEYFILE_PATTERN=/{KEY_FILE}\n"),
                    ),
                    Generator::Dracut => TreeFile::new(
                        "etc/dracut.conf.d/keys.conf",
                        0o644,
                        format!("install_items+=\" /{KEY_FILE} \"\n"),
                    ),
                };
                vec![
                    TreeFile::new("etc/crypttab", 0o600, table),
                    TreeFile::new(KEY_FILE, 0o400, KEY),
                    to_image,
                ]
            }
        }
    }

    /// Root's volume in curtin's words, on the disks of these ids: its actions, and the id
    /// of what is formatted.
    pub(crate) fn actions(self, disks: &[&str]) -> (String, String) {
        let all = disks.join(", ");
        let volume = |name: &str| format!("volume-{name}");
        let on_group = |names: &[&str]| {
            let mut text =
                format!("  - {{id: group, type: lvm_volgroup, name: {GROUP}, devices: [{all}]}}\n");
            for name in names {
                let id = volume(name);
                text.push_str(&format!(
                    "  - {{id: {id}, type: lvm_partition, volgroup: group, name: {name}}}\n"
                ));
            }
            (text, volume("root"))
        };
        match self {
            Under::Drive | Under::Btrfs => (String::new(), all),
            Under::Lvm => on_group(&["root"]),
            Under::Apart => on_group(&["root", "usr", "var"]),
            Under::Raid1 => (
                format!(
                    "  - {{id: array, type: raid, name: {ROOT_LABEL}, raidlevel: 1, devices: [{all}]}}\n"
                ),
                "array".to_owned(),
            ),
            Under::Luks => (
                format!(
                    "  - {{id: crypt, type: dm_crypt, dm_name: {ENCRYPTED}, volume: {all}, keyfile: /{KEY_FILE}}}\n"
                ),
                "crypt".to_owned(),
            ),
        }
    }

    /// Its root filesystem.
    pub(crate) fn filesystem(self) -> &'static str {
        match self {
            Under::Btrfs => "btrfs",
            _ => "ext4",
        }
    }

    /// Other essential filesystems: path, and the id of what is formatted.
    pub(crate) fn others(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Under::Apart => &[("usr", "volume-usr"), ("var", "volume-var")],
            _ => &[],
        }
    }
}
