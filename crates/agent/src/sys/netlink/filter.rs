//! Which messages about devices wake us: a filter that the kernel applies.
//!
//! While udev looks for devices there are two messages for each of hundreds of
//! them, and on a machine with one processor whoever looks up each time takes
//! it from udev.

use libc::{
    BPF_ABS, BPF_B, BPF_IMM, BPF_IND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_LDX, BPF_RET, BPF_W,
    sock_filter,
};

/// Of udev's messages, those of these subsystems: a card has its name, a disk
/// its links.
const SUBSYSTEMS: [&str; 4] = ["net", "nvme", "nvme-subsystem", "block"];

/// Of the kernel's, those of the devices below this path: controllers and
/// namespaces of NVMe over Fabrics. Of links it tells by rtnetlink(7), too.
pub(super) const NVME: &str = "/devices/virtual/nvme";

/// Where udev's own header has its magic number and the subsystem's hash, both
/// in network order (`udev_monitor_netlink_header` in systemd's
/// sd-device/device-monitor.c).
const MAGIC_AT: u32 = 8;
const MAGIC: u32 = 0xfeed_cafe;
const HASH_AT: u32 = 24;

/// The filter.
pub(super) fn devices() -> Vec<sock_filter> {
    let udevs = udevs();
    let kernels = kernels();
    let length = u8::try_from(udevs.len()).unwrap_or(u8::MAX);
    let mut all = vec![load(BPF_W, 0), unless(u32::from_be_bytes(*b"libu"), length)];
    all.extend(udevs);
    all.extend(kernels);
    all
}

/// udev's: by the subsystem, where the header is the known one.
fn udevs() -> Vec<sock_filter> {
    let mut part = vec![
        load(BPF_W, MAGIC_AT),
        when(MAGIC, 1),
        TAKE,
        load(BPF_W, HASH_AT),
    ];
    for subsystem in SUBSYSTEMS {
        part.extend([unless(hash(subsystem.as_bytes()), 1), TAKE]);
    }
    part.push(LEAVE);
    part
}

/// The kernel's, `ACTION@PATH`: `add`, `change` or `remove` of what lies there.
fn kernels() -> Vec<sock_filter> {
    let at = u32::from(b'@');
    let mut part = vec![
        load(BPF_B, 3),
        unless(at, 2),
        index(4),
        op(BPF_JMP, 0, 0, 4),
        load(BPF_B, 6),
        when(at, 1),
        LEAVE,
        index(7),
    ];
    // Its last words; all that begins so lies in /devices.
    for (offset, word) in [(8, b"/vir"), (12, b"tual"), (16, b"/nvm")] {
        let word = u32::from_be_bytes(*word);
        part.extend([
            op(BPF_LD | BPF_W | BPF_IND, 0, 0, offset),
            when(word, 1),
            LEAVE,
        ]);
    }
    part.push(TAKE);
    part
}

const fn op(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    // Opcodes have 16 bits.
    let code = code as u16;
    sock_filter { code, jt, jf, k }
}

const TAKE: sock_filter = op(BPF_RET | BPF_K, 0, 0, u32::MAX);
const LEAVE: sock_filter = op(BPF_RET | BPF_K, 0, 0, 0);

/// Loads from a fixed place; what is not there ends the filter, and the message
/// is left.
const fn load(size: u32, at: u32) -> sock_filter {
    op(BPF_LD | size | BPF_ABS, 0, 0, at)
}

const fn index(value: u32) -> sock_filter {
    op(BPF_LDX | BPF_W | BPF_IMM, 0, 0, value)
}

/// Skips so many when it is that value.
const fn when(value: u32, skip: u8) -> sock_filter {
    op(BPF_JMP | BPF_JEQ | BPF_K, skip, 0, value)
}

/// Skips so many when it is not.
const fn unless(value: u32, skip: u8) -> sock_filter {
    op(BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value)
}

/// MurmurHash2 with seed 0, as udev marks its messages by.
fn hash(text: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let (words, rest) = text.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h = (h ^ h >> 13).wrapping_mul(M);
    h ^ h >> 15
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    fn udevs(magic: u32, subsystem: &str) -> Vec<u8> {
        let mut message = b"libudev\0".to_vec();
        message.extend(magic.to_be_bytes());
        message.extend([0; 12]);
        message.extend(hash(subsystem.as_bytes()).to_be_bytes());
        message.extend([0; 12]);
        message
    }

    /// The kernel filters a pair of local sockets like any other.
    #[test]
    fn the_kernel_leaves_what_concerns_nobody() {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        crate::sys::socket::attach_filter(&ours, &devices()).expect("a filter");
        ours.set_read_timeout(Some(Duration::from_millis(10)))
            .expect("a timeout");
        let wakes = |message: &[u8]| {
            theirs.send(message).expect("room");
            ours.recv(&mut [0; 512]).is_ok()
        };
        for subsystem in ["net", "nvme", "nvme-subsystem", "block"] {
            assert!(wakes(&udevs(MAGIC, subsystem)), "{subsystem}");
        }
        for subsystem in ["tty", "input", "nvme-fabrics", "pci", ""] {
            assert!(!wakes(&udevs(MAGIC, subsystem)), "{subsystem}");
        }
        assert!(wakes(&udevs(1, "tty")), "an unknown header");
        for message in [
            "add@/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1\0ACTION=add",
            "change@/devices/virtual/nvme-fabrics/ctl/nvme0\0ACTION=change",
            "remove@/devices/virtual/nvme-fabrics/ctl/nvme0/nvme0n1\0ACTION=remove",
        ] {
            assert!(wakes(message.as_bytes()), "{message}");
        }
        for message in [
            "add@/devices/virtual/tty/tty12\0ACTION=add",
            "add@/devices/pci0000:00/0000:00:03.0/net/eth0\0ACTION=add",
            "change@/devices/virtual/misc/nvme-fabrics\0ACTION=change",
            "bind@/devices/virtual/nvme-fabrics/ctl/nvme0\0ACTION=bind",
            "add@/x",
            "libudev",
            "",
        ] {
            assert!(!wakes(message.as_bytes()), "{message}");
        }
    }

    #[test]
    fn names_are_hashed_as_udev_does() {
        assert_eq!(hash(b""), 0);
        assert_eq!(hash(b"abc"), 0x1357_7c9b);
    }
}
