//! An image from its first byte to its last, entry by entry.

use std::io::{self, Read};

use crate::compression::Compression;
use crate::input::{Input, Plain};
use crate::newc::{self, Header, HeaderError, LENGTH, PATH_MAX};
use crate::{InitrdError, Limits};

/// A link of the chain: archives that are compressed together, or lie side by side as
/// they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The byte of the image where it begins.
    pub at: u64,
    /// How it is compressed.
    pub compression: Option<Compression>,
    /// Entries in it.
    pub entries: usize,
}

/// An entry of an archive. What of its content is not read is passed over.
pub struct Entry<'a> {
    /// The path as the archive has it.
    pub path: &'a [u8],
    /// Type and permissions (inode(7)).
    pub mode: u32,
    /// How many names the file has, in this archive.
    pub links: u32,
    /// Device, major and minor number, and inode: what tells hard links.
    pub inode: (u32, u32, u32),
    /// Which archive of the image it is in, counted by the entries that end archives:
    /// only in one are inodes comparable.
    pub archive: usize,
    /// Bytes of its content. Of hard links one entry at least has it.
    pub size: u64,
    /// What a symbolic link says.
    pub target: Option<&'a [u8]>,
    content: io::Take<&'a mut dyn Read>,
}

impl Entry<'_> {
    /// The whole content.
    ///
    /// # Errors
    /// The image can't be read, or is damaged. One that is cut short is noticed by
    /// [`walk`].
    pub fn content(&mut self) -> io::Result<Vec<u8>> {
        // A header that lies costs no memory.
        const ROOM: u64 = 1 << 20;
        let expected = usize::try_from(self.size.min(ROOM)).unwrap_or(0);
        let mut bytes = Vec::with_capacity(expected);
        self.content.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// What becomes of each entry.
type Visit<'v> = dyn FnMut(Entry<'_>) -> Result<(), InitrdError> + 'v;

/// Hands over each entry of an image, in order, but those that end an archive; gives
/// the links of the chain.
///
/// # Errors
/// All of [`InitrdError`], and those of `visit`.
pub fn walk(
    image: &mut dyn Read,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<Vec<Member>, InitrdError> {
    let mut walk = Walk {
        limits,
        visit,
        members: Vec::new(),
        entries: 0,
        archives: 0,
        unpacked: limits.unpacked,
    };
    let mut image = Plain(image);
    let mut input = Input::new(&mut image, limits.image);
    let result = walk.chain(&mut input);
    if input.is_over() {
        return Err(too_much("bytes", limits.image));
    }
    result?;
    if walk.members.is_empty() {
        return Err(InitrdError::Empty);
    }
    Ok(walk.members)
}

fn too_much(what: &'static str, limit: u64) -> InitrdError {
    InitrdError::TooMuch { what, limit }
}

struct Walk<'w, 'v> {
    limits: &'w Limits,
    visit: &'w mut Visit<'v>,
    members: Vec<Member>,
    entries: usize,
    /// Archives that have ended.
    archives: usize,
    /// Bytes that may still come out of decoders.
    unpacked: u64,
}

impl Walk<'_, '_> {
    /// The outermost level (`unpack_to_rootfs`).
    fn chain(&mut self, input: &mut Input<'_>) -> Result<(), InitrdError> {
        let mut is_plain = false;
        loop {
            input.skip_zeros()?;
            let at = input.at();
            let Some(first) = input.peek(2)?.first().copied() else {
                return Ok(());
            };
            if first == b'0' && at.is_multiple_of(4) {
                if !is_plain {
                    self.begin(at, None)?;
                }
                is_plain = true;
                let at = self.members.last().map_or(at, |member| member.at);
                self.entry(input, at)?;
                continue;
            }
            if is_plain && !at.is_multiple_of(4) {
                return Err(InitrdError::Padding { at });
            }
            is_plain = false;
            let compression = Compression::of(input.peek(2)?)
                .map_err(|name| InitrdError::Unsupported { at, name })?
                .ok_or(InitrdError::Junk { at })?;
            self.begin(at, Some(compression))?;
            self.compressed(input, at, compression)?;
        }
    }

    fn begin(&mut self, at: u64, compression: Option<Compression>) -> Result<(), InitrdError> {
        if self.members.len() >= self.limits.members {
            return Err(too_much("archives", self.limits.members as u64));
        }
        self.members.push(Member {
            at,
            compression,
            entries: 0,
        });
        Ok(())
    }

    fn compressed(
        &mut self,
        input: &mut Input<'_>,
        at: u64,
        compression: Compression,
    ) -> Result<(), InitrdError> {
        let window = self.limits.window;
        let damaged = |source: io::Error| match source.kind() {
            io::ErrorKind::OutOfMemory => InitrdError::Window { limit: window },
            _ => InitrdError::Damaged {
                at,
                compression,
                source,
            },
        };
        let mut decoder = compression.decoder(input, window).map_err(damaged)?;
        let mut unpacked = Input::new(&mut *decoder, self.unpacked);
        let result = self.archives(&mut unpacked, at);
        self.unpacked = unpacked.left();
        if unpacked.is_over() {
            return Err(too_much("bytes in its archives", self.limits.unpacked));
        }
        result.map_err(|error| match error {
            InitrdError::Io { source } => damaged(source),
            other => other,
        })
    }

    /// What comes out of a decoder (`flush_buffer`): archives, with zeros between.
    fn archives(&mut self, input: &mut Input<'_>, at: u64) -> Result<(), InitrdError> {
        loop {
            input.skip_zeros()?;
            match input.peek(1)?.first().copied() {
                None => return Ok(()),
                Some(_) if !input.at().is_multiple_of(4) => {
                    return Err(InitrdError::Padding { at });
                }
                Some(b'0') => self.entry(input, at)?,
                Some(_) => return Err(InitrdError::Junk { at }),
            }
        }
    }

    /// One entry; `at`: where in the image its archive begins.
    fn entry(&mut self, input: &mut Input<'_>, at: u64) -> Result<(), InitrdError> {
        let cut = || InitrdError::CutShort { at };
        let bytes: &[u8; LENGTH] = input.peek(LENGTH)?.try_into().map_err(|_| cut())?;
        let header = Header::parse(bytes).map_err(|error| match error {
            HeaderError::NotNewc => InitrdError::NotNewc { at },
            HeaderError::Broken => InitrdError::Header { at },
        })?;
        skip(input, LENGTH as u64, at)?;
        let begin = LENGTH as u64 + u64::from(header.name_size);
        let name_end = newc::padding(begin);
        let size = u64::from(header.size);
        // As the kernel has it: such an entry is passed over.
        if header.name_size == 0
            || header.name_size > PATH_MAX
            || (header.is(newc::SYMLINK) && header.size > PATH_MAX)
        {
            let name = u64::from(header.name_size) + name_end;
            return skip(input, name + size + newc::padding(size), at);
        }
        let mut name = read(input, header.name_size, at)?;
        if name.pop() != Some(0) {
            return Err(InitrdError::Header { at });
        }
        // The kernel's strings end at the first.
        name.truncate(name.iter().position(|b| *b == 0).unwrap_or(name.len()));
        skip(input, name_end, at)?;
        let mut rest = size;
        let is_trailer = name == newc::TRAILER && !header.is(newc::SYMLINK);
        if is_trailer {
            self.archives += 1;
        } else {
            self.count()?;
            let mut target = None;
            if header.is(newc::SYMLINK) {
                target = Some(read(input, header.size, at)?);
                rest = 0;
            }
            let has_content = header.is(newc::REGULAR);
            let before = input.at();
            (self.visit)(Entry {
                path: &name,
                mode: header.mode,
                links: header.links,
                inode: (header.device.0, header.device.1, header.inode),
                archive: self.archives,
                size,
                target: target.as_deref(),
                content: Read::take(&mut *input, if has_content { rest } else { 0 }),
            })?;
            rest -= input.at() - before;
        }
        skip(input, rest, at)?;
        // The last one's may be missing: the kernel does not ask for it.
        input.skip(newc::padding(size))?;
        Ok(())
    }

    fn count(&mut self) -> Result<(), InitrdError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(too_much("entries", self.limits.entries as u64));
        }
        if let Some(member) = self.members.last_mut() {
            member.entries += 1;
        }
        Ok(())
    }
}

fn skip(input: &mut Input<'_>, count: u64, at: u64) -> Result<(), InitrdError> {
    match input.skip(count)? {
        0 => Ok(()),
        _ => Err(InitrdError::CutShort { at }),
    }
}

/// As many bytes, of which there are [`PATH_MAX`] at most.
fn read(input: &mut Input<'_>, count: u32, at: u64) -> Result<Vec<u8>, InitrdError> {
    let count = usize::try_from(count).unwrap_or(0);
    let bytes = input.peek(count)?.to_vec();
    if bytes.len() < count {
        return Err(InitrdError::CutShort { at });
    }
    skip(input, count as u64, at)?;
    Ok(bytes)
}
