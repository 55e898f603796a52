//! What ip(8) prints of addresses, routes and rules.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::kernel_state::{self, KernelState};

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let _ = kernel_state::read(&KernelState {
        addresses: input.0.to_vec(),
        routes: vec![input.1.to_vec()],
        rules: vec![input.2.to_vec()],
    });
});
