//! The initramfs program `nvmeroot-agent`.

use std::process::ExitCode;

use nvmeroot_agent::boot::{self, commands};
use nvmeroot_agent::sys::paths::Paths;

fn main() -> ExitCode {
    let paths = Paths::default();
    let mut words = std::env::args().skip(1);
    match (words.next().as_deref(), words.next()) {
        (Some("run"), None) => commands::run(&paths),
        (Some("wait"), None) => commands::wait(&paths),
        (Some("stop"), None) => commands::stop(&paths),
        (Some("paths"), None) => boot::paths(&paths),
        (Some("reads"), None) => boot::reads(&paths),
        (Some("leases"), None) => boot::leases(&paths),
        (Some("--version"), None) => {
            println!("nvmeroot-agent {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "usage: nvmeroot-agent run | wait | stop | paths | leases | reads | --version"
            );
            ExitCode::from(2)
        }
    }
}
