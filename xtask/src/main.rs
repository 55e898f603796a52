//! Development tasks: one subcommand per file.

mod agent;
mod arrows;
mod bench;
mod campaign;
mod conformance;
mod demo;
mod differential;
mod dist;
mod files;
mod fuzz;
mod lab;
mod mutants;
mod program;
mod setup;
mod shell;
mod test;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Watch two machines boot from a drive across the network
    Demo,
    /// Install what the checks and the lab need from the distribution
    Setup,
    /// Everything that must hold before a change lands
    Test(test::Args),
    /// Build the initramfs program, which `nvmeroot configure` then finds
    Agent,
    /// Hold the readers of netplan's YAML and of the firmware's boot table against
    /// netplan's and libnvme's own examples and tests
    Conformance(conformance::Args),
    /// Boot virtual machines from a remote drive and check what they report
    Lab(lab::Args),
    /// What is run for hours
    Campaign(campaign::Args),
    /// The same network configurations by systemd-networkd and by the agent,
    /// and what the kernel then says
    Differential(differential::Args),
    /// Make the Debian package
    Dist(dist::Args),
    /// Measure, and print the tables
    Bench(bench::Args),
    /// Feed the parsers hostile input
    Fuzz(fuzz::Args),
    /// Change the code in many small ways, and count the changes that tests notice
    Mutants(mutants::Args),
}

fn main() -> std::process::ExitCode {
    match run(Args::parse().task) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Demo => demo::run(),
        Task::Setup => setup::run(),
        Task::Test(args) => test::run(&args),
        Task::Agent => agent::run(),
        Task::Conformance(args) => conformance::run(&args).map(drop),
        Task::Lab(args) => lab::run(&args).map(drop),
        Task::Campaign(args) => campaign::run(&args),
        Task::Differential(args) => differential::run(&args),
        Task::Dist(args) => dist::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Mutants(args) => mutants::run(&args),
    }
}
