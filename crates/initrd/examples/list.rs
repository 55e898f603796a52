//! Lists what is in an initramfs image: `cargo run --release --example list FILE`.

use std::fs::File;

use nvmeroot_initrd::{Image, InitrdError, Limits, open_initrd};

fn main() -> Result<(), InitrdError> {
    for name in std::env::args_os().skip(1) {
        let mut initrd = open_initrd(File::open(name)?)?;
        let image = Image::read(&mut initrd, &Limits::default(), &mut |_| false)?;
        for member in image.members() {
            let how = member.compression.map_or("none", |one| one.name());
            println!("# at {}: {how}, {} entries", member.at, member.entries);
        }
        for (path, node) in image.nodes() {
            println!("{:06o} {path}", node.mode);
        }
    }
    Ok(())
}
