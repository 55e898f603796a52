//! Any record of the kernel's log, and the cause of a failure in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::storage::fabrics::from_kernel_log;
use nvmeroot_agent::sys::kmsg::KernelLine;

fuzz_target!(|record: &[u8]| {
    if let Some(line) = KernelLine::parse(record) {
        assert!(!line.text.contains('\n'));
        let said = [line.text];
        if let Some((_, cause)) = from_kernel_log(&said) {
            assert_eq!(cause, said[0]);
        }
    }
});
