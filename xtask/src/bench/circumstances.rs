//! With what and where something was measured.

use std::process::Command;

/// What was measured, with what and where.
pub(super) fn told(command: &str) -> String {
    let kernel = said("uname", &["-r"]);
    let qemu = said("qemu-system-x86_64", &["--version"]);
    let accel = std::env::var("NVMEROOT_LAB_ACCEL").unwrap_or_else(|_| "tcg".to_owned());
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?");
    format!(
        "`{command}`, {}, commit {}; {processors} processors ({}), Linux {kernel}, {}, `-accel \
         {accel}`; load {load} at the start.",
        said("date", &["+%F"]),
        said("git", &["rev-parse", "--short", "HEAD"]),
        processor(),
        qemu.split(" (").next().unwrap_or_default(),
    )
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(": "));
    name.map_or("unknown", |(_, name)| name).trim().to_owned()
}

/// The first line that a program prints.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(crate::shell::top())
        .output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or("unknown").to_owned()
}
