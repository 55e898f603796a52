//! Any bytes as the boot record: what can be read is written and read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_record::BootRecord;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = BootRecord::parse(bytes) {
        let text = serde_json::to_vec(&record).expect("a record has a JSON form");
        assert_eq!(BootRecord::parse(&text).expect("and can be read back"), record);
    }
});
