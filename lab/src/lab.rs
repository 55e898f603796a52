//! The lab itself: where its files are, and how images and machines are made.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cache::{Cache, Key};
use crate::command::Program;
use crate::error::{Context, Result};
use crate::host::{self, HOME_LABEL, HostImage, ROOT_LABEL};
use crate::host_spec::HostSpec;
use crate::network::{Cable, End};
use crate::target::{self, TargetSpec};
use crate::tree::Tree;
use crate::vm::{Card, Machine, Processors, SecondPort, Vm, join_archives};

/// The PCI slot of a host's first card; the next cards follow. udev names a
/// card after its slot: the first is `ens3`.
pub const FIRST_SLOT: u8 = 3;

/// Images, paths and settings that all machines share.
#[derive(Debug, Clone)]
pub struct Lab {
    cache: Cache,
    runs: PathBuf,
    nvmeroot: PathBuf,
    accel: String,
    tree: Tree,
    target_base: PathBuf,
}

/// How a host is plugged together and started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// One card per entry, in the PCI slot given.
    pub slots: Vec<u8>,
    /// The cards are not there when the host is switched on.
    pub unplugged: bool,
    /// Root comes from a local drive, not from the target.
    pub local_root: bool,
    /// What crosses the host's first cable goes to `host.card0.pcap`, the head
    /// of each frame.
    pub capture: bool,
    /// What the host computes with.
    pub processors: Processors,
    /// More words for the kernel command line.
    pub cmdline: String,
    /// Seconds that the host waits after reaching its marker before it reports.
    pub settle: u32,
    /// A boot that fails ends in a restart (which ends QEMU) and not in a shell.
    pub reboot_on_failure: bool,
}

impl Default for Wiring {
    fn default() -> Self {
        Wiring {
            slots: vec![FIRST_SLOT],
            unplugged: false,
            local_root: false,
            capture: false,
            processors: Processors::Emulated(1),
            cmdline: String::new(),
            settle: 0,
            reboot_on_failure: true,
        }
    }
}

impl Lab {
    /// Opens the lab and builds what all machines share: the Debian tree (the
    /// first time, a minute or two) and the target's initramfs.
    ///
    /// `nvmeroot` is the program under test. Images live below `target/lab`
    /// of the workspace, or in `NVMEROOT_LAB_CACHE`; `NVMEROOT_LAB_ACCEL`
    /// replaces QEMU's `-accel tcg`.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when a requirement is
    /// missing; else what went wrong while building.
    pub fn open(nvmeroot: &Path, say: &dyn Fn(&str)) -> Result<Lab> {
        crate::requirements::check()?;
        let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let base = workspace
            .canonicalize()
            .context("find", workspace)?
            .join("target/lab");
        let images = env::var_os("NVMEROOT_LAB_CACHE").map_or_else(|| base.clone(), PathBuf::from);
        let cache = Cache::open(images.join("images"))?;
        say("Debian tree");
        let tree = Tree::get(&cache)?;
        say("target image");
        let target_base = target::base_image(&cache, &tree)?;
        Ok(Lab {
            cache,
            runs: base.join("runs"),
            nvmeroot: nvmeroot.canonicalize().context("find", nvmeroot)?,
            accel: env::var("NVMEROOT_LAB_ACCEL").unwrap_or_else(|_| "tcg".to_owned()),
            tree,
            target_base,
        })
    }

    /// The program under test.
    pub(crate) fn nvmeroot(&self) -> &Path {
        &self.nvmeroot
    }

    /// The Debian tree that hosts are made of.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// An empty directory for work in progress.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        self.cache.scratch(name)
    }

    /// Where the artefacts of a run are.
    pub fn artefacts(&self, name: &str) -> PathBuf {
        self.runs.join(name)
    }

    /// An empty directory for the artefacts of one run.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when it can't be made.
    pub fn run_dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.artefacts(name);
        crate::cache::remove(&dir)?;
        fs::create_dir_all(&dir).context("create", &dir)?;
        Ok(dir)
    }

    /// Builds or finds a host: `nvmeroot configure` runs on its tree, then
    /// update-initramfs, then a drive is made.
    ///
    /// # Errors
    /// [`Error::Command`](crate::Error::Command) with the output of the
    /// program that failed, nvmeroot included.
    pub fn host_image(&self, spec: &HostSpec) -> Result<HostImage> {
        host::image(&self.cache, &self.tree, &self.nvmeroot, spec)
    }

    /// Size in bytes of an initial ramdisk of the same tree that nvmeroot has
    /// not touched.
    ///
    /// # Errors
    /// As [`Lab::host_image`].
    pub fn plain_initrd_bytes(&self) -> Result<u64> {
        let spec = HostSpec {
            name: "plain".to_owned(),
            kind: crate::HostKind::Slim,
            curtin: "storage: {version: 1, config: []}\n".to_owned(),
            ..HostSpec::default()
        };
        self.host_image(&spec)?.initrd_bytes()
    }

    /// An empty filesystem for `/home`.
    fn home_drive(&self) -> Result<PathBuf> {
        let key = Key::new("home 1").text(HOME_LABEL);
        let dir = self.cache.get("home", &key, |dir| {
            let drive = dir.join("drive");
            let file = fs::File::create(&drive).context("create", &drive)?;
            file.set_len(64 << 20).context("enlarge", &drive)?;
            Program::new("mkfs.ext4")
                .args(["-q", "-F", "-L", HOME_LABEL])
                .arg(&drive)
                .run(&dir.join("log"))
        })?;
        Ok(dir.join("drive"))
    }

    /// Cables between the cards of a host and those of its target.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when there are no sockets left.
    pub fn cables(&self, count: usize) -> Result<Cables> {
        let cables: Result<Vec<_>> = (0..count).map(|_| Cable::new().map(Arc::new)).collect();
        Ok(Cables(cables?))
    }

    /// The machine of a target that exports the drive of `host`.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when a file can't be written.
    pub fn target(
        &self,
        spec: &TargetSpec,
        host: &HostImage,
        wiring: &Wiring,
        cables: &Cables,
        dir: &Path,
    ) -> Result<Start> {
        let base = fs::read(&self.target_base).context("read", &self.target_base)?;
        let initrd = dir.join("target.initrd");
        join_archives(&[&base, &target::settings_archive(spec)?], &initrd)?;
        let drive = if wiring.local_root {
            self.home_drive()?
        } else {
            host.drive.clone()
        };
        let slots: Vec<u8> = (FIRST_SLOT..).take(spec.networks.len()).collect();
        Ok(Start(Machine {
            name: "target".to_owned(),
            accel: self.accel.clone(),
            memory_mib: 256,
            kernel: host.kernel.clone(),
            initrd,
            cmdline: "console=ttyS0 panic=-1 mitigations=off lsm=capability quiet \
                      no_timer_check"
                .to_owned(),
            cards: cables.cards(End::Target, &slots, true),
            drives: vec![drive],
            second_port: SecondPort::Commands,
            capture: false,
            processors: Processors::Emulated(1),
            first: true,
        }))
    }

    /// The machine of a host.
    pub fn host(&self, image: &HostImage, wiring: &Wiring, cables: &Cables) -> Start {
        // Fewer security modules and no mitigations: under emulation they cost
        // seconds, and nothing here depends on them. Units that take 90 s, which
        // is as long as systemd waits, are only slow on a busy machine.
        let mut cmdline = format!(
            "console=ttyS0 root=LABEL={ROOT_LABEL} ro printk.devkmsg=on mitigations=off no_timer_check \
             lsm=capability systemd.default_timeout_start_sec=300 lab.settle={}",
            wiring.settle
        );
        if wiring.reboot_on_failure {
            cmdline.push_str(" panic=-1");
        }
        for word in wiring.cmdline.split_whitespace() {
            cmdline.push(' ');
            cmdline.push_str(word);
        }
        Start(Machine {
            name: "host".to_owned(),
            accel: self.accel.clone(),
            memory_mib: 768,
            kernel: image.kernel.clone(),
            initrd: image.initrd.clone(),
            cmdline,
            cards: cables.cards(End::Host, &wiring.slots, !wiring.unplugged),
            drives: if wiring.local_root {
                vec![image.drive.clone()]
            } else {
                Vec::new()
            },
            second_port: SecondPort::Report,
            capture: wiring.capture,
            processors: wiring.processors,
            first: false,
        })
    }
}

/// The cables between a host and its target.
#[derive(Debug, Clone)]
pub struct Cables(Vec<Arc<Cable>>);

impl Cables {
    fn cards(&self, end: End, slots: &[u8], plugged: bool) -> Vec<Card> {
        let side = match end {
            End::Host => 0,
            End::Target => 1,
        };
        let pairs = self.0.iter().zip(slots).enumerate();
        let card = |(number, (cable, slot)): (usize, (&Arc<Cable>, &u8))| Card {
            cable: Arc::clone(cable),
            end,
            mac: format!("52:54:00:4c:{side:02x}:{:02x}", number + 1),
            slot: *slot,
            plugged,
        };
        pairs.map(card).collect()
    }
}

/// A machine ready to be started, as often as needed: each time it begins
/// with the drive as it was built.
#[derive(Debug, Clone)]
pub struct Start(Machine);

impl Start {
    /// The same with more drives, raw images.
    pub(crate) fn with_drives(mut self, drives: &[PathBuf]) -> Self {
        self.0.drives.extend_from_slice(drives);
        self
    }

    /// Switches it on; its files go to `dir`.
    ///
    /// # Errors
    /// [`Error::Monitor`](crate::Error::Monitor) with QEMU's words when it
    /// refuses to start.
    pub fn start(&self, dir: &Path) -> Result<Vm> {
        self.0.start(dir)
    }
}
