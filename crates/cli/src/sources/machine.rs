//! The machine that runs this: the files of its kernel and of udev that say what its
//! filesystems stand on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use nvmeroot_intake::Card;
use nvmeroot_intake::kernel_state::{self, KernelState};
use nvmeroot_intake::machine::{Block, Machine, NvmeController};
use nvmeroot_plan::Fragment;

use super::SourceError;
use crate::Failure;
use crate::root::{RootError, RootTree};

/// The longest file of these: a table of mounts. One of sysfs is a page at most.
const LONGEST: u64 = 16 << 20;

const BLOCKS: &str = "sys/class/block";
const CONTROLLERS: &str = "sys/class/nvme";
const BTRFS: &str = "sys/fs/btrfs";
const LINKS: &str = "sys/class/net";

/// Reads the files; `top` is `/`, or a directory with a copy of them.
pub(super) fn read(top: &Path) -> Result<Machine, Failure> {
    let top = open(top)?;
    let files = Files::new(&top);
    let mut machine = Machine {
        mountinfo: files.bytes("proc/self/mountinfo").unwrap_or_default(),
        blocks: files.blocks()?,
        ..Machine::default()
    };
    for name in top.list(CONTROLLERS)? {
        machine.controllers.push(files.controller(name)?);
    }
    for name in top.list(BTRFS)? {
        let devices = top.list(&format!("{BTRFS}/{name}/devices"));
        // What is no directory is no filesystem (`features`).
        machine
            .btrfs
            .extend(devices.ok().filter(|devices| !devices.is_empty()));
    }
    Ok(machine)
}

/// What is known of the machine.
pub(crate) struct Known<T> {
    pub(crate) known: T,
    /// There may be more: this can't be read.
    pub(crate) unread: Option<RootError>,
}

/// The names of the pools of ZFS. `top` as in [`read`].
pub(crate) fn pools(top: &Path) -> Result<Known<BTreeSet<String>>, Failure> {
    let top = open(top)?;
    let files = Files::new(&top);
    let machine = Machine {
        blocks: files.blocks()?,
        ..Machine::default()
    };
    Ok(Known {
        known: machine.pools(),
        unread: files.unread.into_inner(),
    })
}

/// The network cards. `top` as in [`read`].
pub(crate) fn cards(top: &Path) -> Result<Known<Vec<Card>>, Failure> {
    let top = open(top)?;
    let files = Files::new(&top);
    let mut cards = Vec::new();
    for name in top.list(LINKS)? {
        let at = |file: &str| format!("{LINKS}/{name}/{file}");
        // What is no directory is no link (`bonding_masters`), what has no device is
        // virtual; type 1 is Ethernet (`ARPHRD_ETHER`).
        let is_link = top.is_directory(&format!("{LINKS}/{name}"));
        if !is_link
            || !top.exists(&at("device"))?
            || files.text(&at("type")).as_deref() != Some("1")
        {
            continue;
        }
        let uevent = files.text(&at("device/uevent")).unwrap_or_default();
        let driver = uevent.lines().find_map(|line| line.strip_prefix("DRIVER="));
        // A bond gives its members its own address.
        let mac = files.text(&at("bonding_slave/perm_hwaddr"));
        let mac = mac.or_else(|| files.text(&at("address")));
        cards.push(Card {
            mac: mac.and_then(|text| text.parse().ok()),
            driver: driver.map(str::to_owned),
            name,
        });
    }
    Ok(Known {
        known: cards,
        unread: files.unread.into_inner(),
    })
}

/// What is asked of ip(8), and the file that has the answer where another machine's files
/// stand for this one's.
const ADDRESSES: (&[&str], &str) = (&["-details", "-json", "address"], "ip/address.json");
const ROUTES: [(&[&str], &str); 2] = [
    (
        &["-details", "-json", "-4", "route", "show", "table", "all"],
        "ip/route4.json",
    ),
    (
        &["-details", "-json", "-6", "route", "show", "table", "all"],
        "ip/route6.json",
    ),
];
const RULES: [(&[&str], &str); 2] = [
    (&["-json", "-4", "rule"], "ip/rule4.json"),
    (&["-json", "-6", "rule"], "ip/rule6.json"),
];

/// The network as the kernel has it; `None` where there is no `ip` to ask. `copy`: where
/// another machine's files are.
pub(super) fn network(copy: Option<&Path>) -> Result<Option<Fragment>, SourceError> {
    let copy = copy.map(open).transpose()?;
    let answer = |(question, file): (&[&str], &str)| match &copy {
        Some(copy) => Files::new(copy).bytes(file),
        None => answer(question),
    };
    let all = |questions: [(&[&str], &str); 2]| questions.into_iter().filter_map(answer).collect();
    let Some(addresses) = answer(ADDRESSES) else {
        return Ok(None);
    };
    let state = KernelState {
        addresses,
        routes: all(ROUTES),
        rules: all(RULES),
    };
    Ok(Some(kernel_state::read(&state)?))
}

fn answer(question: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("ip").args(question).output().ok()?;
    output.status.success().then_some(output.stdout)
}

fn open(top: &Path) -> Result<RootTree, Failure> {
    RootTree::open(top).map_err(|error| Failure::Usage(error.to_string()))
}

struct Files<'a> {
    top: &'a RootTree,
    /// Of what can't be read the first.
    unread: RefCell<Option<RootError>>,
}

impl<'a> Files<'a> {
    fn new(top: &'a RootTree) -> Self {
        let unread = RefCell::new(None);
        Self { top, unread }
    }

    /// A file's bytes. What can't be read is as good as absent, but for who asks what that
    /// was: a kernel without an attribute has other ways to say the same.
    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        match self.top.read(path, LONGEST) {
            Ok(bytes) => bytes,
            Err(error) => {
                let mut unread = self.unread.borrow_mut();
                if !error.is_gone() {
                    unread.get_or_insert(error);
                }
                None
            }
        }
    }

    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    fn blocks(&self) -> Result<Vec<Block>, Failure> {
        let mut blocks = Vec::new();
        for name in self.top.list(BLOCKS)? {
            blocks.extend(self.block(name)?);
        }
        Ok(blocks)
    }

    fn block(&self, name: String) -> Result<Option<Block>, Failure> {
        let at = |file: &str| format!("{BLOCKS}/{name}/{file}");
        // It is gone again.
        let Some(number) = self.text(&at("dev")) else {
            return Ok(None);
        };
        let is_part = self.top.exists(&at("partition"))?;
        Ok(Some(Block {
            whole: is_part.then(|| self.text(&at("../dev"))).flatten(),
            slaves: self.top.list(&at("slaves"))?,
            dm_name: self.text(&at("dm/name")),
            dm_uuid: self.text(&at("dm/uuid")),
            md_level: self.text(&at("md/level")),
            backing_file: self.text(&at("loop/backing_file")),
            is_iscsi: self.top.exists(&at("device/../../iscsi_session"))?,
            udev: self
                .bytes(&format!("run/udev/data/b{number}"))
                .unwrap_or_default(),
            number,
            name,
        }))
    }

    fn controller(&self, name: String) -> Result<NvmeController, Failure> {
        let directory = format!("{CONTROLLERS}/{name}");
        let text = |file: &str| self.text(&format!("{directory}/{file}"));
        let is_namespace = |entry: &String| {
            let digits = entry.strip_prefix("nvme").unwrap_or_default();
            digits.starts_with(|c: char| c.is_ascii_digit()) && digits.contains('n')
        };
        let entries = self.top.list(&directory)?;
        Ok(NvmeController {
            transport: text("transport").unwrap_or_default(),
            address: text("address").unwrap_or_default(),
            subsysnqn: text("subsysnqn").unwrap_or_default(),
            kind: text("cntrltype"),
            hostnqn: text("hostnqn"),
            hostid: text("hostid"),
            ctrl_loss_tmo: text("ctrl_loss_tmo"),
            reconnect_delay: text("reconnect_delay"),
            fast_io_fail_tmo: text("fast_io_fail_tmo"),
            dhchap_secret: text("dhchap_secret"),
            dhchap_ctrl_secret: text("dhchap_ctrl_secret"),
            tls_key: text("tls_key"),
            namespaces: entries.into_iter().filter(is_namespace).collect(),
            name,
        })
    }
}
