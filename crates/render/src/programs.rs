//! What a root tree must have installed.

use nvmeroot_plan::{BootPlan, Reach};

use crate::runtime::scripts;
use crate::userspace::stas;
use crate::{Generator, RequiredProgram, Runtime};

/// The programs that a root tree needs so that what [`crate::render`] writes
/// works, in the order in which they are used.
pub fn required_programs(
    plan: &BootPlan,
    runtime: Runtime,
    generator: Generator,
) -> Vec<RequiredProgram> {
    match (plan.reach, runtime) {
        (Reach::Local | Reach::Firmware, _) => Vec::new(),
        (Reach::Userspace, _) => vec![stas::PROGRAM],
        // The agent is written with the files.
        (Reach::Initramfs, Runtime::Agent) => vec![generator.program()],
        (Reach::Initramfs, Runtime::Scripts) => {
            let mut programs = vec![generator.program()];
            programs.extend(scripts::programs(plan));
            programs
        }
    }
}
