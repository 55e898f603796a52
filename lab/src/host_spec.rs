//! What an installer would have left in a host's tree.

/// The identity that the installer would have given the host.
pub const HOST_ID: &str = "11111111-2222-4333-8444-555555555555";

/// The NQN that goes with [`HOST_ID`].
pub const HOST_NQN: &str = "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555555";

/// What runs once root is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKind {
    /// Debian with systemd, networkd, netplan and nvme-stas.
    #[default]
    Debian,
    /// The same kernel and initramfs, and a root that reports and powers off:
    /// for what happens before root is mounted.
    Slim,
}

/// What makes the host's initramfs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Generator {
    /// What Debian 13 is installed with.
    #[default]
    InitramfsTools,
    /// What Debian 14 is installed with; Debian 13 has it too.
    Dracut,
}

/// The Debian that the host's tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Release {
    /// Debian 13.
    #[default]
    Trixie,
    /// What becomes Debian 14.
    Forky,
    /// Debian unstable.
    Sid,
}

/// What manages the running system's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Manager {
    /// netplan, and systemd-networkd by what it makes of its YAML.
    #[default]
    NetplanNetworkd,
    /// netplan, and NetworkManager.
    NetplanNetworkManager,
    /// NetworkManager alone, with keyfiles.
    NetworkManager,
    /// systemd-networkd alone, with files of its own.
    Networkd,
    /// ifupdown with `/etc/network/interfaces`.
    Ifupdown,
}

/// What a host's root stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Under {
    /// The drive itself.
    #[default]
    Drive,
    /// A volume of LVM.
    Lvm,
    /// Volumes of LVM for `/`, `/usr` and `/var`.
    Apart,
    /// An array of two drives, each behind a subsystem of its own.
    Raid1,
    /// An encrypted volume, opened with a key file.
    Luks,
    /// A subvolume of btrfs.
    Btrfs,
}

/// What becomes of nvmeroot's package in a tree that is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageStory {
    /// A later version of it is installed.
    Upgraded,
    /// The same version is installed again.
    Reinstalled,
    /// It is taken away with all that it did.
    Purged,
}

/// What the installer would have left in the host's tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostSpec {
    /// The image's name; scenarios with the same inputs share it.
    pub name: String,
    /// What runs once root is mounted.
    pub kind: HostKind,
    /// Which Debian it is. Kernel and target are the same with each.
    pub release: Release,
    /// What makes its initramfs.
    pub generator: Generator,
    /// What manages its network; its own files are in [`HostSpec::files`].
    pub manager: Manager,
    /// Packages beside those of all that, the fewest that do: each set is a tree.
    pub packages: Vec<&'static str>,
    /// What its root stands on.
    pub under: Under,
    /// The configuration that the installer gave to curtin, YAML.
    pub curtin: String,
    /// `/etc/netplan/00-installer-config.yaml`.
    pub netplan: Option<String>,
    /// `/home` is a filesystem of its own.
    pub home: bool,
    /// It has no identity of its own.
    pub anonymous: bool,
    /// It runs from drives of its own, for `/` and for `/boot`; `nvmeroot` is a program
    /// in its tree, and nobody has run it yet.
    pub live: bool,
    /// nvme-stas and nvme-cli's own service run. They take long to start under
    /// emulation; where they are not what is tried, they stay off.
    pub storage_services: bool,
    /// Arguments of `nvmeroot configure` beside `--curtin` and `--root`.
    pub configure_args: Vec<String>,
    /// What becomes of the package, where there is one, before the host is started.
    pub story: Option<PackageStory>,
    /// The running system has nvmeroot itself, and an agent to configure: in
    /// `/usr/local/lib/lab`.
    pub has_nvmeroot: bool,
    /// More files of the tree, there before nvmeroot is.
    pub files: Vec<TreeFile>,
}

/// A file of a host's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path below the top of the tree.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// Its content.
    pub text: String,
}

impl TreeFile {
    /// One with that content.
    pub fn new(path: impl Into<String>, mode: u32, text: impl Into<String>) -> Self {
        TreeFile {
            path: path.into(),
            mode,
            text: text.into(),
        }
    }
}
