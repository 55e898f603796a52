//! No bytes make the reader of initramfs images panic, hang or take much memory; what a
//! tree says of itself holds.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use nvmeroot_initrd::{Image, Kind, Limits, open_initrd};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        unpacked: 4 << 20,
        window: 1 << 20,
        ways: 4 << 20,
        entries: 10_000,
        ..Limits::default()
    };
    let Ok(mut initrd) = open_initrd(Cursor::new(bytes)) else {
        return;
    };
    let Ok(image) = Image::read(&mut initrd, &limits, &mut |path| path.len() % 2 == 0) else {
        return;
    };
    let entries: usize = image.members().iter().map(|member| member.entries).sum();
    assert!(image.nodes().count() <= entries);
    for (path, node) in image.nodes() {
        assert!(!path.starts_with('/') && !path.is_empty());
        if let Kind::File(_) = node.kind {
            let file = image.file(path).expect("the file at a path");
            let content = file.content.as_ref().map(|bytes| bytes.len() as u64);
            assert!(content.is_none_or(|length| length <= file.size));
        }
        let _ = image.below(path).count();
    }
});
