//! What becomes of an image: of archives that are made here, in every compression.

use std::io::{Read, Write};

use nvmeroot_initrd::{Compression, Image, InitrdError, Kind, Limits, Writer, walk};
use proptest::prelude::*;

const ALL: [Compression; 5] = [
    Compression::Gzip,
    Compression::Bzip2,
    Compression::Xz,
    Compression::Lz4,
    Compression::Zstd,
];

fn packed(bytes: &[u8], how: Compression) -> Vec<u8> {
    match how {
        Compression::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).expect("memory");
            out.finish().expect("memory")
        }
        Compression::Bzip2 => {
            let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            out.write_all(bytes).expect("memory");
            out.finish().expect("memory")
        }
        Compression::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(0);
            let mut out = lzma_rust2::XzWriter::new(Vec::new(), options).expect("a writer");
            out.write_all(bytes).expect("memory");
            out.finish().expect("memory")
        }
        Compression::Lz4 => {
            let mut out = 0x184c_2102_u32.to_le_bytes().to_vec();
            for block in bytes.chunks(8 << 20) {
                let block = lz4_flex::block::compress(block);
                out.extend(u32::try_from(block.len()).expect("small").to_le_bytes());
                out.extend(block);
            }
            out
        }
        Compression::Zstd => {
            ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
        }
        other => panic!("{other}"),
    }
}

fn read(bytes: &[u8]) -> Result<Image, InitrdError> {
    Image::read(&mut &*bytes, &Limits::default(), &mut |_| true)
}

fn content<'i>(image: &'i Image, path: &str) -> Option<&'i [u8]> {
    image.file(path)?.content.as_deref()
}

fn microcode() -> Vec<u8> {
    Writer::default()
        .directory("kernel")
        .directory("kernel/x86")
        .file("kernel/x86/code.bin", 0o644, b"intel")
        .finish()
}

fn system() -> Vec<u8> {
    Writer::default()
        .directory(".")
        .directory("usr")
        .directory("usr/lib")
        .symlink("lib", "usr/lib")
        .file("init", 0o755, b"#!/bin/sh\n")
        .file("lib/a.ko", 0o644, &[7; 5000])
        .finish()
}

#[test]
fn a_chain_is_read_in_every_compression() {
    for how in ALL {
        let mut bytes = microcode();
        bytes.extend([0; 512]);
        bytes.extend(packed(&system(), how));
        let image = read(&bytes).unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!(content(&image, "init"), Some(&b"#!/bin/sh\n"[..]), "{how}");
        assert_eq!(content(&image, "usr/lib/a.ko"), Some(&[7; 5000][..]));
        assert_eq!(content(&image, "/lib/a.ko"), Some(&[7; 5000][..]));
        assert_eq!(content(&image, "kernel/x86/code.bin"), Some(&b"intel"[..]));
        let members: Vec<_> = image.members().iter().map(|m| m.compression).collect();
        assert_eq!(members, [None, Some(how)]);
        assert_eq!(image.members()[0].entries, 3);
        assert_eq!(image.lost(), 0);
    }
}

#[test]
fn what_follows_a_compressed_archive_is_read_too() {
    for how in ALL {
        for zeros in [0, 3, 512] {
            // LZ4's framing ends with a word of zeros (`unlz4` in lib/decompress_unlz4.c).
            if how == Compression::Lz4 && zeros < 4 {
                continue;
            }
            let mut bytes = packed(&system(), how);
            bytes.extend(vec![0; zeros]);
            let later = Writer::default().file("init", 0o700, b"new").finish();
            bytes.extend(packed(&later, Compression::Gzip));
            let image = read(&bytes).unwrap_or_else(|error| panic!("{how}, {zeros}: {error}"));
            assert_eq!(content(&image, "init"), Some(&b"new"[..]), "{how}");
            assert_eq!(image.file("init").map(|file| file.mode), Some(0o100_700));
        }
    }
}

#[test]
fn zeros_behind_the_last_archive_are_its_end() {
    for how in ALL {
        for zeros in [1, 2, 3, 4, 5, 512] {
            let mut bytes = packed(&system(), how);
            bytes.extend(vec![0; zeros]);
            let image = read(&bytes).unwrap_or_else(|error| panic!("{how}, {zeros}: {error}"));
            assert_eq!(content(&image, "init"), Some(&b"#!/bin/sh\n"[..]), "{how}");
        }
    }
}

#[test]
fn archives_lie_side_by_side_in_one_compressed_link() {
    let mut bytes = system();
    bytes.extend([0; 100]);
    bytes.extend(Writer::default().file("usr/lib/b", 0o644, b"b").finish());
    let image = read(&packed(&bytes, Compression::Zstd)).expect("an image");
    assert_eq!(content(&image, "lib/b"), Some(&b"b"[..]));
    assert_eq!(image.members().len(), 1);
}

#[test]
fn content_that_nobody_wants_is_passed_over() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(300_001)
    .collect();
    let archive = Writer::default()
        .file("a", 0o644, &noise[..199_999])
        .file("b", 0o644, b"b")
        .file("c", 0o644, &noise)
        .file("d", 0o644, b"d")
        .finish();
    for how in ALL {
        let read = |archive: &[u8], unpacked| {
            let limits = Limits {
                unpacked,
                ..Limits::default()
            };
            let mut keep = |path: &str| matches!(path, "b" | "d");
            Image::read(&mut &*packed(archive, how), &limits, &mut keep)
        };
        let whole = archive.len() as u64;
        let image = read(&archive, whole).unwrap_or_else(|error| panic!("{how}: {error}"));
        for (path, wanted) in [
            ("a", None),
            ("b", Some(b"b")),
            ("c", None),
            ("d", Some(b"d")),
        ] {
            assert_eq!(content(&image, path), wanted.map(|one| &one[..]), "{how}");
        }
        assert_eq!(image.file("c").map(|file| file.size), Some(300_001));
        // In the midst of what nobody wants.
        let over = read(&archive, whole - 100_000);
        assert!(matches!(over, Err(InitrdError::TooMuch { .. })), "{how}");
        let cut = read(&archive[..400_000], whole);
        assert!(matches!(cut, Err(InitrdError::CutShort { .. })), "{how}");
    }
}

#[test]
fn hard_links_share_their_content() {
    let bytes = Writer::default()
        .links(&["a", "b", "c"], 0o600, b"shared")
        .file("d", 0o644, b"")
        .finish();
    // Only an early name is wanted, or only the last.
    for wanted in ["a", "c"] {
        let mut keep = |path: &str| path == wanted;
        let image = Image::read(&mut &*bytes, &Limits::default(), &mut keep).expect("an image");
        for name in ["a", "b", "c"] {
            assert_eq!(content(&image, name), Some(&b"shared"[..]), "{name}");
            assert_eq!(
                image.file(name).map(|f| (f.size, f.mode)),
                Some((6, 0o100_600))
            );
        }
        assert_eq!(image.file("d").map(|file| file.size), Some(0));
    }
}

#[test]
fn nothing_is_kept_that_is_not_wanted_or_too_long() {
    let bytes = system();
    let mut keep = |path: &str| path == "usr/lib/a.ko";
    let image = Image::read(&mut &*bytes, &Limits::default(), &mut keep).expect("an image");
    assert_eq!(content(&image, "init"), None);
    assert!(content(&image, "lib/a.ko").is_some());
    let limits = Limits {
        kept_file: 4999,
        ..Limits::default()
    };
    let image = Image::read(&mut &*bytes, &limits, &mut |_| true).expect("an image");
    assert_eq!(content(&image, "lib/a.ko"), None);
    assert_eq!(image.file("lib/a.ko").map(|file| file.size), Some(5000));
    assert!(content(&image, "init").is_some());
}

#[test]
fn an_entry_without_its_directory_is_lost() {
    let bytes = Writer::default()
        .file("etc/a", 0o644, b"lost")
        .file("file", 0o644, b"x")
        .file("file/b", 0o644, b"lost")
        .symlink("loop", "loop")
        .file("loop/c", 0o644, b"lost")
        .directory("etc")
        .file("etc/d", 0o644, b"there")
        .finish();
    let image = read(&bytes).expect("an image");
    assert_eq!(image.lost(), 3);
    assert_eq!(content(&image, "etc/d"), Some(&b"there"[..]));
    assert_eq!(image.get("loop"), None);
}

#[test]
fn later_entries_take_the_place_of_earlier_ones() {
    let bytes = Writer::default()
        .directory("full")
        .file("full/a", 0o644, b"a")
        .file("full", 0o644, b"no place")
        .directory("empty")
        .symlink("empty", "full")
        .symlink("other", "full")
        .directory("other")
        .finish();
    let image = read(&bytes).expect("an image");
    let kind = |path: &str| {
        let found = image.nodes().find(|(name, _)| *name == path);
        found.map(|(_, node)| node.kind.clone())
    };
    assert_eq!(kind("full"), Some(Kind::Directory));
    assert_eq!(kind("empty"), Some(Kind::Symlink("full".to_owned())));
    assert_eq!(kind("other"), Some(Kind::Directory));
    assert_eq!(content(&image, "empty/a"), Some(&b"a"[..]));
}

#[test]
fn links_are_followed_inside_the_image() {
    let bytes = Writer::default()
        .directory("a")
        .directory("a/b")
        .symlink("a/up", "../a/b/../b")
        .symlink("a/top", "/../a/b")
        .file("a/up/x", 0o644, b"x")
        .finish();
    let image = read(&bytes).expect("an image");
    for path in ["a/b/x", "a/up/x", "/a/top/x", "a/./b/../../a/b//x"] {
        assert_eq!(content(&image, path), Some(&b"x"[..]), "{path}");
    }
    let below: Vec<_> = image.below("a/top").map(|(path, _)| path).collect();
    assert_eq!(below, ["x"]);
    assert_eq!(image.below("nowhere").count(), 0);
    assert_eq!(image.below("").count(), image.nodes().count());
}

fn error(bytes: &[u8]) -> String {
    match read(bytes) {
        Err(error) => error.to_string(),
        Ok(image) => panic!("{image:?}"),
    }
}

#[test]
fn what_is_no_image_is_said() {
    assert_eq!(error(b""), "it is empty");
    assert_eq!(error(&[0; 4096]), "it is empty");
    let junk = "byte 0 begins neither a cpio archive nor compressed data";
    assert_eq!(error(b"hello"), junk);
    let mut bytes = microcode();
    let end = bytes.len();
    bytes.extend(b"Z");
    assert_eq!(error(&bytes), junk.replace('0', &end.to_string()));
    assert!(error(b"\x89LZO").ends_with("compressed with lzo, which is not read here"));
    assert!(error(b"\x5d\0\0").ends_with("compressed with lzma, which is not read here"));
    let other = [b"070707".as_slice(), &[b'0'; 200]].concat();
    assert!(error(&other).ends_with("of another format than newc"));
    let header = [b"07070x".as_slice(), &[b'0'; 200]].concat();
    assert!(error(&header).ends_with("has a broken header"));
    // Between an entry and a compressed archive there are whole words.
    let mut bytes = microcode();
    bytes.push(0);
    bytes.extend(packed(&system(), Compression::Gzip));
    assert!(error(&bytes).ends_with("has broken padding"));
}

#[test]
fn what_is_cut_short_is_noticed_wherever_it_ends() {
    let plain = system();
    let last = plain.len() - 124;
    for end in 1..last {
        // Between two entries an archive is not known to be cut.
        if let Err(error) = read(&plain[..end]) {
            assert!(matches!(error, InitrdError::CutShort { at: 0 }), "{error}");
        } else {
            let padding = &plain[end..end.next_multiple_of(4)];
            assert!(padding.iter().all(|byte| *byte == 0), "{end}");
        }
    }
    for how in ALL {
        let whole = packed(&plain, how);
        for end in [5, 20, whole.len() / 2, whole.len() - 1] {
            let said = error(&whole[..end]);
            let is_cut = said.contains("cut short");
            assert!(is_cut, "{how}, {end} of {}: {said}", whole.len());
        }
    }
}

#[test]
fn limits_are_kept() {
    let many = |limits: Limits| {
        let bytes = [
            packed(&system(), Compression::Gzip),
            packed(&system(), Compression::Zstd),
        ];
        match Image::read(&mut &*bytes.concat(), &limits, &mut |_| true) {
            Err(InitrdError::TooMuch { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    let all = Limits::default();
    assert_eq!(many(Limits { entries: 9, ..all }), "entries");
    assert_eq!(many(Limits { members: 1, ..all }), "archives");
    assert_eq!(many(Limits { names: 40, ..all }), "bytes of names");
    let what = "bytes of ways to its entries";
    assert_eq!(many(Limits { ways: 400, ..all }), what);
    assert_eq!(many(Limits { image: 100, ..all }), "bytes");
    let unpacked = system().len() as u64 + 100;
    let what = "bytes in its archives";
    assert_eq!(many(Limits { unpacked, ..all }), what);
    assert_eq!(
        many(Limits {
            unpacked: 900,
            ..all
        }),
        what
    );
}

/// Each entry goes round through links that are as long as a path may be.
#[test]
fn ways_that_wind_come_to_an_end() {
    let mut writer = Writer::default();
    writer.directory("d");
    writer.symlink("d/l", &"../d/".repeat(800));
    for number in 0..20_000 {
        let around = "d/l/".repeat(39);
        writer.file(&format!("{around}{number}"), 0o644, b"");
    }
    let limits = Limits {
        ways: 8 << 20,
        ..Limits::default()
    };
    match Image::read(&mut &*writer.finish(), &limits, &mut |_| true) {
        Err(InitrdError::TooMuch { what, .. }) => assert_eq!(what, "bytes of ways to its entries"),
        other => panic!("{:?}", other.map(|image| image.nodes().count())),
    }
}

/// As `xz -9` and `zstd --ultra --long` make them.
#[test]
fn windows_are_as_large_as_the_kernel_takes_them() {
    let mut options = lzma_rust2::XzOptions::with_preset(0);
    options.lzma_options.dict_size = 64 << 20;
    let mut out = lzma_rust2::XzWriter::new(Vec::new(), options).expect("a writer");
    out.write_all(&system()).expect("memory");
    let xz = out.finish().expect("memory");
    let mut zstd = packed(&system(), Compression::Zstd);
    // The window's exponent stands here, where the content is not in one segment.
    assert_eq!(zstd[4] & 0x20, 0);
    zstd[5] = (27 - 10) << 3;
    for bytes in [xz, zstd] {
        let image = read(&bytes).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(content(&image, "usr/lib/a.ko"), Some(&[7; 5000][..]));
    }
}

#[test]
fn a_decoder_takes_no_more_memory_than_it_may() {
    let limits = Limits {
        window: 1 << 10,
        ..Limits::default()
    };
    // bzip2, gzip and LZ4 take what their formats say, less than 9 MB.
    for how in [Compression::Xz, Compression::Zstd] {
        let bytes = packed(&system(), how);
        match Image::read(&mut &*bytes, &limits, &mut |_| true) {
            Err(InitrdError::Window { limit }) => assert_eq!(limit, 1 << 10),
            other => panic!("{how}: {other:?}"),
        }
    }
}

/// A reader that gives one byte at a time.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(1);
        self.0.read(&mut into[..count])
    }
}

#[test]
fn how_the_bytes_arrive_does_not_matter() {
    for how in ALL {
        let bytes = [microcode(), packed(&system(), how)].concat();
        let slow = Image::read(&mut Drops(&bytes), &Limits::default(), &mut |_| true);
        let slow = slow.unwrap_or_else(|error| panic!("{how}: {error}"));
        let whole = read(&bytes).expect("an image");
        assert!(slow.nodes().eq(whole.nodes()), "{how}");
    }
}

fn small() -> Limits {
    Limits {
        unpacked: 1 << 20,
        entries: 1000,
        ..Limits::default()
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        files in proptest::collection::btree_map(
            "[a-z]{1,8}",
            proptest::collection::vec(any::<u8>(), 0..300),
            0..20,
        ),
        how in proptest::sample::select(ALL.to_vec()),
    ) {
        let mut writer = Writer::default();
        for (path, content) in &files {
            writer.file(path, 0o640, content);
        }
        let bytes = writer.finish();
        for bytes in [bytes.clone(), packed(&bytes, how)] {
            let image = read(&bytes).expect("an image");
            prop_assert_eq!(image.nodes().count(), files.len());
            for (path, bytes) in &files {
                prop_assert_eq!(content(&image, path), Some(bytes.as_slice()));
            }
        }
    }

    #[test]
    fn damage_is_an_error_or_another_tree(
        how in proptest::sample::select(ALL.to_vec()),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        is_plain in any::<bool>(),
    ) {
        let mut bytes = if is_plain { system() } else { packed(&system(), how) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Image::read(&mut &*bytes, &small(), &mut |_| true);
    }

    #[test]
    fn no_bytes_make_it_panic(
        magic in proptest::sample::select(vec![
            &b"070701"[..], b"BZh9", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x02\x21\x4c\x18",
            b"\xfd7zXZ\0", b"\x5d\0\0\x80\0", b"MZ", b"",
        ]),
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let bytes = [magic, &rest].concat();
        let mut count = 0_usize;
        let _ = walk(&mut &*bytes, &small(), &mut |_| { count += 1; Ok(()) });
        prop_assert!(count <= 1000);
    }
}
