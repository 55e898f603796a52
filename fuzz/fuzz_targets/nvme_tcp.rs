//! Any stream from a target: PDUs or not, and no data outside what was asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_fabrics::pdu::{HEADER, LONGEST, Pdu, Transfer, length};

fuzz_target!(|stream: &[u8]| {
    let _ = nvmeroot_fabrics::auth::Message::parse(stream);
    let mut rest = stream;
    let mut log = [0; 64];
    let mut transfer = Transfer::new(1, &mut log);
    while let Some(header) = rest.first_chunk::<HEADER>() {
        let Ok(length) = length(header) else { return };
        assert!((HEADER..=LONGEST).contains(&length));
        let Some((pdu, after)) = rest.split_at_checked(length) else {
            return;
        };
        rest = after;
        let Ok(pdu) = Pdu::parse(pdu) else { return };
        if let Pdu::Data { data, .. } = pdu {
            assert!(data.len() < length);
        }
        match transfer.take(pdu) {
            Ok(Some(completion)) => {
                assert_eq!(completion.command, 1);
                return;
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
});
