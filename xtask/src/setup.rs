//! `cargo xtask setup`: what the checks and the lab need from the distribution.

use anyhow::Result;
use nvmeroot_lab::requirements;

use crate::shell::is_installed;

/// What the other tests run, and the package that brings it: real shells, a
/// real DHCP server, network namespaces, files that can't change, a program stopped
/// at each system call; libFuzzer is C++, netplan's tests are
/// Python, and libnvme's samples come from Python's index.
const TESTS: [(&str, &str); 8] = [
    ("busybox", "busybox-static"),
    ("c++", "g++"),
    ("chattr", "e2fsprogs"),
    ("dnsmasq", "dnsmasq-base"),
    ("ip", "iproute2"),
    ("pip3", "python3-pip"),
    ("python3", "python3"),
    ("strace", "strace"),
];

/// Installs what is missing, and says what.
pub(crate) fn run() -> Result<()> {
    let mut missing = requirements::missing();
    for (program, package) in TESTS {
        if !is_installed(program) {
            missing.programs.push(program.to_owned());
            missing.packages.push(package.to_owned());
        }
    }
    if missing.packages.is_empty() {
        eprintln!("setup: everything is there");
        return Ok(());
    }
    let log = std::env::temp_dir().join("nvmeroot-setup.log");
    requirements::install(&missing, &log, &|text| eprintln!("setup: {text}"))?;
    Ok(())
}
