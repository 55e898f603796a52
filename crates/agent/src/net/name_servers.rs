//! The name servers of a lease, for the running system: what a DHCP client's own scripts
//! do with them where ifupdown starts one.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::process::{Command, Stdio};

use crate::sys::paths::Paths;

/// How a `resolv.conf` begins that is ours to write again.
const HEADER: &str = "# Written by nvmeroot-agent, of the DHCP lease that root stands on.\n";

/// Hands them to resolvconf(8); where there is none, writes resolv.conf(5), unless
/// somebody else has.
///
/// # Errors
/// When the program fails or the file can't be written.
pub(super) fn hand_on(
    paths: &Paths,
    link: &str,
    servers: &[IpAddr],
    search: &[String],
) -> io::Result<()> {
    if servers.is_empty() {
        return Ok(());
    }
    let text = text(servers, search);
    match paths.resolvconf.metadata() {
        Ok(_) => by_program(paths, link, &text),
        Err(_) => by_file(paths, &text),
    }
}

fn text(servers: &[IpAddr], search: &[String]) -> String {
    let mut lines = Vec::new();
    // The server's words are not to begin lines of their own.
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let search: Vec<&str> = search
        .iter()
        .map(String::as_str)
        .filter(|name| name.bytes().all(is_safe))
        .collect();
    if !search.is_empty() {
        lines.push(format!("search {}\n", search.join(" ")));
    }
    lines.extend(
        servers
            .iter()
            .map(|server| format!("nameserver {server}\n")),
    );
    lines.concat()
}

fn by_program(paths: &Paths, link: &str, text: &str) -> io::Result<()> {
    let mut program = Command::new(&paths.resolvconf)
        .args(["-a", link])
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = program.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let status = program.wait()?;
    if status.success() {
        return Ok(());
    }
    let path = paths.resolvconf.display();
    Err(io::Error::other(format!("`{path} -a {link}`: {status}")))
}

fn by_file(paths: &Paths, text: &str) -> io::Result<()> {
    // A link leads to who else writes it.
    let is_link = |path: &std::path::Path| path.symlink_metadata().is_ok_and(|m| m.is_symlink());
    let path = &paths.resolv_conf;
    let there = match fs::read_to_string(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        other => other.unwrap_or_default(),
    };
    if is_link(path) || !(there.trim().is_empty() || there.starts_with(HEADER)) {
        return Ok(());
    }
    let mut new = path.clone();
    new.set_extension("conf.nvmeroot");
    fs::write(&new, format!("{HEADER}{text}"))?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const SEARCH: [&str; 3] = ["example.org", "a\nnameserver 10.6.6.6", "example.net"];
    const LINES: &str = "search example.org example.net\nnameserver 10.0.0.1\nnameserver fd00::1\n";

    struct System {
        directory: tempfile::TempDir,
        paths: Paths,
    }

    fn system() -> System {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(directory.path());
        for file in [&paths.resolv_conf, &paths.resolvconf] {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a directory");
        }
        System { directory, paths }
    }

    fn tell(system: &System) -> io::Result<()> {
        let servers = ["10.0.0.1", "fd00::1"].map(|s| s.parse().expect("an address"));
        hand_on(&system.paths, "ens3", &servers, &SEARCH.map(str::to_owned))
    }

    fn program(system: &System, script: &str) {
        let path = &system.paths.resolvconf;
        fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("a program");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    #[test]
    fn resolvconf_is_told_of_the_link() {
        let system = system();
        let told = system.directory.path().join("told");
        program(
            &system,
            &format!("{{ echo \"$*\"; cat; }} >{}", told.display()),
        );
        tell(&system).expect("it takes them");
        let text = fs::read_to_string(told).expect("what it was told");
        assert_eq!(text, format!("-a ens3\n{LINES}"));
        assert!(!system.paths.resolv_conf.exists());
    }

    #[test]
    fn a_resolvconf_that_fails_is_said() {
        let system = system();
        program(&system, "cat >/dev/null; exit 3");
        let text = tell(&system).expect_err("a failure").to_string();
        assert!(
            text.ends_with("resolvconf -a ens3`: exit status: 3"),
            "{text}"
        );
    }

    #[test]
    fn without_it_the_file_is_written_and_again() {
        let system = system();
        let file = &system.paths.resolv_conf;
        for before in ["", "\n", &format!("{HEADER}nameserver 10.0.0.9\n")] {
            fs::write(file, before).expect("a file");
            tell(&system).expect("it is written");
            let text = fs::read_to_string(file).expect("a file");
            assert_eq!(text.strip_prefix(HEADER), Some(LINES));
        }
        fs::remove_file(file).expect("it is there");
        tell(&system).expect("it is written");
        assert!(file.exists());
    }

    #[test]
    fn what_somebody_else_wrote_stays() {
        let system = system();
        let file = &system.paths.resolv_conf;
        fs::write(file, "nameserver 10.0.0.9\n").expect("a file");
        tell(&system).expect("nothing to do");
        assert_eq!(
            fs::read_to_string(file).expect("a file"),
            "nameserver 10.0.0.9\n"
        );
        fs::remove_file(file).expect("it is there");
        std::os::unix::fs::symlink("/nowhere/stub-resolv.conf", file).expect("a link");
        tell(&system).expect("nothing to do");
        assert!(file.symlink_metadata().expect("a link").is_symlink());
    }

    #[test]
    fn a_lease_without_any_changes_nothing() {
        let system = system();
        hand_on(&system.paths, "ens3", &[], &SEARCH.map(str::to_owned)).expect("nothing to do");
        assert!(!system.paths.resolv_conf.exists());
    }
}
