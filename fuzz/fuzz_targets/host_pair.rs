//! Any bytes in `hostnqn` and `hostid`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::nvme_etc::host_pair;

fuzz_target!(|bytes: (&[u8], &[u8])| {
    if let Ok(Some(pair)) = host_pair("etc/nvme", Some(bytes.0), Some(bytes.1)) {
        let shown = (pair.nqn.to_string(), pair.id.to_string());
        let again = host_pair(
            "etc/nvme",
            Some(shown.0.as_bytes()),
            Some(shown.1.as_bytes()),
        );
        assert_eq!(again, Ok(Some(pair)));
    }
});
