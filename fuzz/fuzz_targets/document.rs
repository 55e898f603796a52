//! Any bytes as the plan's JSON form: what can be read is written the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_plan::Document;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(document) = serde_json::from_slice::<Document>(bytes) {
        let text = serde_json::to_vec(&document).expect("a document has a JSON form");
        let again: Document = serde_json::from_slice(&text).expect("and can be read back");
        assert_eq!(serde_json::to_vec(&again).expect("a document"), text);
    }
});
