//! The command line program `nvmeroot`.

#![forbid(unsafe_code)]

mod advice;
mod agent;
mod args;
mod boot;
mod changes;
mod check;
mod configure;
mod diagnose;
mod elf;
mod environment;
mod failure;
mod generator;
mod identity;
mod managers;
mod nbft;
mod nbft_json;
mod nbft_text;
mod nbft_words;
mod output;
mod package;
mod plan;
mod plan_path;
mod plan_svg;
mod plan_text;
mod revert;
mod root;
mod sources;
mod terminal;
mod unknown;
mod ways;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
pub(crate) use crate::failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return shown_by_clap(&said),
    };
    // 1 says of a tree that it would not boot.
    let undone = match cli.command {
        Command::Check(_) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    };
    let result = match cli.command {
        Command::Plan(args) => plan::run(args).map(|()| ExitCode::SUCCESS),
        Command::Configure(args) => configure::run(args).map(|()| ExitCode::SUCCESS),
        Command::Revert(args) => revert::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Check(args) => check::run(args),
        Command::Nbft(args) => nbft::run(&args).map(|()| ExitCode::SUCCESS),
    };
    match result {
        Ok(status) => status,
        Err(failure) => failure.report(undone),
    }
}

/// Wrong usage, or the help that was asked for.
fn shown_by_clap(said: &clap::Error) -> ExitCode {
    let text = said.render().to_string();
    if said.use_stderr() {
        output::talk(&text);
        return ExitCode::from(2);
    }
    match output::data(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::Runtime(error).report(ExitCode::FAILURE),
    }
}

impl Failure {
    /// Says it, and gives the exit status; `undone`: that of what could not be done.
    fn report(self, undone: ExitCode) -> ExitCode {
        match self {
            Self::Input(errors) => {
                output::talk(&errors.to_string());
                ExitCode::from(2)
            }
            Self::Usage(message) => {
                output::talk(&diagnose::error_text(&message));
                ExitCode::from(2)
            }
            Self::Runtime(error) => {
                output::talk(&diagnose::error_text(&error.to_string()));
                match error.downcast_ref() {
                    // As a shell shows the end by a signal.
                    Some(root::RootError::Stopped { number, .. }) => {
                        ExitCode::from(u8::try_from(128 + number).unwrap_or(1))
                    }
                    _ => undone,
                }
            }
        }
    }
}
