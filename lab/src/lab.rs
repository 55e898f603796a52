//! The lab itself: where its files are, and how images and machines are made.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::{Cache, Key};
use crate::command::Program;
use crate::error::{Context, Error, Result};
use crate::firmware::Firmware;
use crate::host::{self, HOME_LABEL, HostImage};
use crate::host_spec::{Generator, HostSpec};
use crate::kernel::Kernel;
use crate::live;
use crate::machine::{self, Card, Kind, Machine, Processors, SecondPort, Way, Who, World};
use crate::platform::Platform;
use crate::ramdisk;
use crate::target::{self, TargetSpec};
use crate::tree::Tree;

/// The PCI slot of a host's first card; the next cards follow. udev names a
/// card after its slot: the first is `ens3`.
pub const FIRST_SLOT: u8 = 3;

/// Seconds that pass at least on a simulated machine before it reports, as they do
/// on an emulated one, which is slow.
const LEAST_SETTLE: u32 = 2;

/// Bytes below which a disk is short of room: some dozens of images, and what runs leave.
const LEAST_ROOM: u64 = 12 << 30;

/// Images, paths and settings that all machines share.
#[derive(Debug, Clone)]
pub struct Lab {
    cache: Cache,
    runs: PathBuf,
    nvmeroot: PathBuf,
    /// The Debian package that hosts have installed.
    package: Option<PathBuf>,
    /// Debian's tree with its own kernel, for QEMU.
    debian: Platform,
    /// The same with the kernel that runs as a program.
    uml: Option<Platform>,
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
    /// The host has its drives beside the target's, which has nothing on it.
    pub moves: bool,
    /// What crosses the host's first cable goes to `host.card0.pcap`, the head
    /// of each frame.
    pub capture: bool,
    /// What the host computes with.
    pub processors: Processors,
    /// More words for the kernel command line.
    pub cmdline: String,
    /// Seconds that the host waits after reaching its marker before it reports.
    pub settle: u32,
    /// A root that only reports has a heartbeat too, with so many seconds between its
    /// rounds.
    pub beat: Option<u32>,
    /// What the host's firmware leaves; `None` for one that has no tables at any time.
    pub firmware: Option<Firmware>,
    /// Which of several hosts that are alike it is: its cards have MACs of their own.
    pub unit: u8,
    /// A boot that fails ends in a restart (which ends QEMU) and not in a shell.
    pub reboot_on_failure: bool,
}

impl Default for Wiring {
    fn default() -> Self {
        Wiring {
            slots: vec![FIRST_SLOT],
            unplugged: false,
            local_root: false,
            moves: false,
            capture: false,
            processors: Processors::Emulated(1),
            cmdline: String::new(),
            settle: 0,
            beat: None,
            firmware: None,
            unit: 0,
            reboot_on_failure: true,
        }
    }
}

impl Lab {
    /// Opens the lab and builds what all emulated machines share: the Debian tree
    /// (the first time, a minute or two) and the target's initramfs.
    ///
    /// `nvmeroot` is the program under test. Images lie outside of the checkout, in
    /// `NVMEROOT_LAB_CACHE`, by default `nvmeroot-lab` in the user's directory for
    /// caches; what a run leaves lies below `target/lab`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a requirement is missing; else what went wrong
    /// while building.
    pub fn open(nvmeroot: &Path, say: &dyn Fn(&str)) -> Result<Lab> {
        crate::requirements::check()?;
        let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let base = workspace
            .canonicalize()
            .context("find", workspace)?
            .join("target/lab");
        let cache = Cache::open(cache_dir()?.join("images"))?;
        say("Debian tree");
        let tree = Tree::whole(&cache, Generator::InitramfsTools)?;
        say("target image");
        let debian = Platform::debian(&cache, tree)?;
        Ok(Lab {
            cache,
            runs: base.join("runs"),
            nvmeroot: nvmeroot.canonicalize().context("find", nvmeroot)?,
            package: None,
            debian,
            uml: None,
        })
    }

    /// The same with hosts on which this Debian package of nvmeroot is installed;
    /// without one, `nvmeroot configure` brings all that they boot with.
    #[must_use]
    pub fn with_package(self, package: PathBuf) -> Lab {
        Lab {
            package: Some(package),
            ..self
        }
    }

    /// Whether [`Lab::with_uml`] finds its kernel built.
    pub fn has_uml(&self) -> bool {
        Kernel::is_built(&self.cache)
    }

    /// The same with what simulated machines share; the first time a kernel is
    /// built, which takes ten minutes and more.
    ///
    /// # Errors
    /// As [`Lab::open`].
    pub fn with_uml(mut self, say: &dyn Fn(&str)) -> Result<Lab> {
        let tree = self.debian.tree.clone();
        self.uml = Some(Platform::uml(&self.cache, tree, say)?);
        Ok(self)
    }

    /// The kernel that simulated machines run, where the lab was opened with one;
    /// its modules are below the same directory.
    pub fn uml_kernel(&self) -> Option<&Path> {
        self.uml.as_ref().map(|platform| platform.kernel.as_path())
    }

    /// What machines of that kind are built from.
    fn platform(&self, kind: Kind) -> Result<&Platform> {
        match kind {
            Kind::Qemu => Ok(&self.debian),
            Kind::Uml => self.uml.as_ref().ok_or_else(|| Error::Unavailable {
                reason: "the kernel that runs as a program was not asked for".to_owned(),
                hint: "open the lab with it".to_owned(),
            }),
        }
    }

    /// The program under test.
    pub(crate) fn nvmeroot(&self) -> &Path {
        &self.nvmeroot
    }

    /// The Debian tree with its own kernel.
    pub(crate) fn debian(&self) -> &Platform {
        &self.debian
    }

    /// Where it is kept how long scenarios take.
    pub(crate) fn times_file(&self) -> PathBuf {
        self.cache.dir().join("times.json")
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
    pub fn host_image(&self, spec: &HostSpec, kind: Kind) -> Result<HostImage> {
        let platform = self.platform(kind)?;
        let tree = Tree::get(&self.cache, spec)?;
        let mut platform = platform.with(&self.cache, tree)?;
        if let Some(package) = &self.package {
            platform = platform.with_package(&self.cache, package)?;
        }
        let package = self.package.as_deref();
        host::image(&self.cache, &platform, &self.nvmeroot, package, spec)
    }

    /// Removes the image of a simulated host that nobody will start again soon.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn forget_host(&self, spec: &HostSpec) -> Result<()> {
        let release = &self.platform(Kind::Uml)?.release;
        self.cache
            .drop_name("host", &host::image_name(spec, release))
    }

    /// There is little room left for images.
    pub(crate) fn is_short_of_room(&self) -> bool {
        // A disk that does not tell is none that is known to be full.
        rustix::fs::statvfs(self.cache.dir())
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST_ROOM)
    }

    /// Size in bytes of an initial ramdisk of the same tree that nvmeroot has
    /// not touched.
    ///
    /// # Errors
    /// As [`Lab::host_image`].
    pub fn plain_initrd_bytes(&self, kind: Kind) -> Result<u64> {
        let spec = HostSpec {
            name: "plain".to_owned(),
            kind: crate::HostKind::Slim,
            curtin: "storage: {version: 1, config: []}\n".to_owned(),
            ..HostSpec::default()
        };
        self.host_image(&spec, kind)?.initrd_bytes()
    }

    /// An empty filesystem for `/home`.
    fn home_drive(&self) -> Result<PathBuf> {
        let key = Key::new("home 1").text(HOME_LABEL);
        let dir = self.cache.get("home", "home", &key, |dir| {
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

    /// A world with so many cables, in which machines of that kind run; what it
    /// leaves goes to `dir`.
    pub(crate) fn world(&self, way: &Way, cables: usize, dir: &Path) -> Result<Box<dyn World>> {
        let platform = self.platform(way.kind)?;
        machine::world(way, platform, cables, dir)
    }

    /// The machine of a target that exports the drive of `host`.
    ///
    /// # Errors
    /// [`Error::File`] when a file can't be written.
    pub(crate) fn target(
        &self,
        spec: &TargetSpec,
        host: &HostImage,
        wiring: &Wiring,
        kind: Kind,
        dir: &Path,
    ) -> Result<Machine> {
        let platform = self.platform(kind)?;
        let base = fs::read(&platform.target).context("read", &platform.target)?;
        let initrd = dir.join("target.initrd");
        ramdisk::join(&[&base, &target::settings_archive(spec)?], &initrd)?;
        let drives = if wiring.moves {
            vec![live::blank(&self.cache)?]
        } else if wiring.local_root {
            vec![self.home_drive()?]
        } else {
            host.drives.clone()
        };
        let slots: Vec<u8> = (FIRST_SLOT..).take(spec.networks.len()).collect();
        Ok(Machine {
            who: Who::Target,
            memory_mib: 256,
            kernel: platform.kernel.clone(),
            initrd,
            cmdline: cmdline(kind, &format!("panic=-1 quiet lab.port={}", port(kind))),
            cards: cards(TARGET, &slots, true),
            drives,
            second_port: SecondPort::Commands,
            capture: false,
            processors: match wiring.processors {
                Processors::Pinned => Processors::Pinned,
                Processors::Emulated(_) | Processors::Counted => Processors::Emulated(1),
            },
            firmware: None,
        })
    }

    /// The machine of a host.
    pub(crate) fn host(&self, image: &HostImage, wiring: &Wiring, kind: Kind) -> Result<Machine> {
        let settle = match kind {
            Kind::Qemu => wiring.settle,
            // Else no time at all would pass between the mount of root and the report.
            Kind::Uml => wiring.settle.max(LEAST_SETTLE),
        };
        let mut words = format!(
            "{} ro fsck.mode=skip printk.devkmsg=on \
             systemd.default_timeout_start_sec=300 lab.settle={settle}",
            image.root_words
        );
        if let Some(seconds) = wiring.beat {
            words.push_str(&format!(" lab.beat={seconds}"));
        }
        if wiring.reboot_on_failure {
            words.push_str(" panic=-1");
            if image.generator == Generator::Dracut {
                words.push_str(" rd.shell=0 rd.emergency=reboot");
            }
        }
        for word in wiring.cmdline.split_whitespace() {
            words.push(' ');
            words.push_str(word);
        }
        Ok(Machine {
            who: Who::Host,
            memory_mib: 768,
            kernel: image.kernel.clone(),
            initrd: image.initrd.clone(),
            cmdline: cmdline(kind, &words),
            cards: cards(host_side(wiring.unit), &wiring.slots, !wiring.unplugged),
            drives: if wiring.local_root || wiring.moves {
                image.drives.clone()
            } else {
                Vec::new()
            },
            second_port: SecondPort::Report,
            capture: wiring.capture,
            processors: wiring.processors,
            firmware: wiring.firmware.clone(),
        })
    }
}

/// Where images are kept, so that a fresh checkout on this machine has them.
fn cache_dir() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let own = set("NVMEROOT_LAB_CACHE").map(PathBuf::from);
    let of_user = || {
        let caches = set("XDG_CACHE_HOME").map(PathBuf::from);
        let caches = caches.or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")));
        caches.map(|caches| caches.join("nvmeroot-lab"))
    };
    own.or_else(of_user).ok_or_else(|| Error::Unavailable {
        reason: "there is no place to keep images: `HOME` is not set".to_owned(),
        hint: "set `NVMEROOT_LAB_CACHE` to a directory".to_owned(),
    })
}

/// The kernel command line: few security modules, and under emulation no
/// mitigations, for they cost seconds and nothing here depends on them.
fn cmdline(kind: Kind, words: &str) -> String {
    match kind {
        Kind::Qemu => {
            format!("console=ttyS0 mitigations=off no_timer_check lsm=capability {words}")
        }
        Kind::Uml => format!("lsm=capability {words}"),
    }
}

/// Where the target reads its commands.
fn port(kind: Kind) -> &'static str {
    match kind {
        Kind::Qemu => "ttyS1",
        Kind::Uml => "hvc0",
    }
}

/// The byte of its cards' MACs that tells the target from the hosts.
const TARGET: u8 = 1;

/// The same of a host.
fn host_side(unit: u8) -> u8 {
    match unit {
        0 => 0,
        other => TARGET + other,
    }
}

/// The MAC of a host's card (0 is the first).
pub(crate) fn host_mac(unit: u8, card: u8) -> [u8; 6] {
    mac(host_side(unit), card)
}

fn mac(side: u8, card: u8) -> [u8; 6] {
    [0x52, 0x54, 0, 0x4c, side, card + 1]
}

fn cards(side: u8, slots: &[u8], plugged: bool) -> Vec<Card> {
    let card = |(number, slot): (u8, &u8)| Card {
        mac: mac(side, number)
            .map(|byte| format!("{byte:02x}"))
            .join(":"),
        slot: *slot,
        plugged,
    };
    (0..).zip(slots).map(card).collect()
}
