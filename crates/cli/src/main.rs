//! The command line program `nvmeroot`.

#![forbid(unsafe_code)]

mod agent;
mod args;
mod configure;
mod diagnose;
mod elf;
mod identity;
mod input;
mod plan;
mod plan_path;
mod plan_svg;
mod plan_text;
mod root;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

/// Why a command ended without doing its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input is wrong; nothing was written. Exit status 2.
    Input(diagnose::Faults),
    /// The command was used wrongly. Exit status 2.
    Usage(String),
    /// It could not be done. Exit status 1.
    Could(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Could(error.into())
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Plan(args) => plan::run(args),
        Command::Configure(args) => configure::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Input(faults)) => {
            eprint!("{faults}");
            ExitCode::from(2)
        }
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Could(error)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A variable of the environment that holds a path; an empty one counts as
/// absent.
pub(crate) fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
}
