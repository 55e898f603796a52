//! The initramfs program `nvmeroot-agent`.

use std::process::ExitCode;

use nvmeroot_agent::paths;
use nvmeroot_agent::places::Places;
use nvmeroot_agent::program;

fn main() -> ExitCode {
    let places = Places::default();
    let mut words = std::env::args().skip(1);
    match (words.next().as_deref(), words.next()) {
        (Some("run"), None) => program::run(&places),
        (Some("wait"), None) => program::wait(&places),
        (Some("stop"), None) => program::stop(&places),
        (Some("paths"), None) => paths::paths(&places),
        (Some("--version"), None) => {
            println!("nvmeroot-agent {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: nvmeroot-agent run | wait | stop | paths | --version");
            ExitCode::from(2)
        }
    }
}
