//! The tree that the kernel makes of an image.

use std::collections::BTreeMap;
use std::io::Read;

use crate::newc::{DIRECTORY, REGULAR, SYMLINK, TYPE};
use crate::walk::{Entry, Member, walk};
use crate::{InitrdError, Limits};

/// More symbolic links the kernel does not follow (`MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// What a step along a path costs beside the bytes of the path.
const STEP: usize = 32;

/// Content of hard links this small is kept until the end: a later name may be wanted.
const SMALL: u64 = 64 << 10;

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Type and permissions (inode(7)).
    pub mode: u32,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file: its number among the image's files. Hard links have one number.
    File(usize),
    /// A directory.
    Directory,
    /// A symbolic link, and what it says.
    Symlink(String),
    /// A device, a pipe or a socket.
    Other,
}

/// A regular file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its permissions (inode(7)), with the type.
    pub mode: u32,
    /// Bytes of it.
    pub size: u64,
    /// Its content, where it was asked for and is not longer than the limits allow.
    pub content: Option<Vec<u8>>,
    is_wanted: bool,
}

/// The tree that the kernel makes of an image. Paths have no `/` at their beginning.
/// Names that are no UTF-8 are shown with a replacement character.
#[derive(Clone, Debug, Default)]
pub struct Image {
    nodes: BTreeMap<String, Node>,
    files: Vec<File>,
    members: Vec<Member>,
    lost: usize,
}

impl Image {
    /// Reads an image. `keep` says of a path whether the content of the file there is
    /// wanted.
    ///
    /// # Errors
    /// Those of [`walk`], and [`InitrdError::TooMuch`] for longer names than
    /// [`Limits::names`] and longer ways than [`Limits::ways`].
    pub fn read(
        image: &mut dyn Read,
        limits: &Limits,
        keep: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Self, InitrdError> {
        let mut build = Build {
            image: Self::default(),
            inodes: BTreeMap::new(),
            names: 0,
            ways: limits.ways,
            kept: 0,
            limits,
            keep,
        };
        let members = walk(image, limits, &mut |entry| build.entry(entry))?;
        let mut image = build.image;
        image.members = members;
        for file in &mut image.files {
            if !file.is_wanted {
                file.content = None;
            }
        }
        Ok(image)
    }

    /// The links of the chain.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many entries have no place in the tree: no directory is there for them.
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// Every path with what is there, in order; links are not followed.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (&**path, node))
    }

    /// What is at a path, symbolic links followed.
    pub fn get(&self, path: &str) -> Option<&Node> {
        let place = self.place(path, true, &mut { u64::MAX })?;
        self.nodes.get(&place)
    }

    /// The file at a path, symbolic links followed.
    pub fn file(&self, path: &str) -> Option<&File> {
        match self.get(path)?.kind {
            Kind::File(number) => self.files.get(number),
            _ => None,
        }
    }

    /// The paths below a directory, symbolic links in its own path followed, relative to
    /// it and in order.
    pub fn below(&self, directory: &str) -> impl Iterator<Item = (&str, &Node)> {
        let prefix = self
            .place(directory, true, &mut { u64::MAX })
            .map(|place| match &*place {
                "" => place,
                _ => place + "/",
            });
        // No path begins with a NUL byte.
        let prefix = prefix.unwrap_or_else(|| "\0".to_owned());
        let length = prefix.len();
        self.nodes
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(move |(path, node)| (&path[length..], node))
    }

    /// Where a path leads: links on the way followed, the last part's only with `last`.
    /// `None`: something on the way is no directory, or `ways` is used up.
    fn place(&self, path: &str, last: bool, ways: &mut u64) -> Option<String> {
        let mut open: Vec<String> = parts(path);
        let mut place = String::new();
        let mut links = 0;
        while let Some(part) = open.pop() {
            if part == ".." {
                place.truncate(place.rfind('/').unwrap_or(0));
                continue;
            }
            let before = place.len();
            if !place.is_empty() {
                place.push('/');
            }
            place.push_str(&part);
            *ways = ways.saturating_sub((place.len() + STEP) as u64);
            if *ways == 0 {
                return None;
            }
            match self.nodes.get(&place).map(|node| &node.kind) {
                Some(Kind::Symlink(target)) if last || !open.is_empty() => {
                    links += 1;
                    // What a link says counts as much of a path as the kernel takes.
                    if links > MOST_LINKS || open.len() > 4096 {
                        return None;
                    }
                    place.truncate(if target.starts_with('/') { 0 } else { before });
                    open.extend(parts(target));
                }
                Some(Kind::Directory) => {}
                _ if open.is_empty() => {}
                _ => return None,
            }
        }
        Some(place)
    }

    fn has_below(&self, place: &str) -> bool {
        let prefix = format!("{place}/");
        let mut next = self.nodes.range(prefix.clone()..);
        next.next()
            .is_some_and(|(path, _)| path.starts_with(&prefix))
    }
}

/// The parts of a path, the first one last.
fn parts(path: &str) -> Vec<String> {
    path.rsplit('/')
        .filter(|part| !matches!(*part, "" | "."))
        .map(str::to_owned)
        .collect()
}

struct Build<'b> {
    image: Image,
    /// By archive and inode: the number of a file with several names.
    inodes: BTreeMap<(usize, (u32, u32, u32)), usize>,
    names: usize,
    /// What is left of [`Limits::ways`].
    ways: u64,
    kept: u64,
    limits: &'b Limits,
    keep: &'b mut dyn FnMut(&str) -> bool,
}

impl Build<'_> {
    fn entry(&mut self, mut entry: Entry<'_>) -> Result<(), InitrdError> {
        self.names += entry.path.len() + entry.target.map_or(0, <[u8]>::len);
        if self.names > self.limits.names {
            return Err(InitrdError::TooMuch {
                what: "bytes of names",
                limit: self.limits.names as u64,
            });
        }
        let path = String::from_utf8_lossy(entry.path);
        let place = self.free(&path, entry.mode);
        if self.ways == 0 {
            return Err(InitrdError::TooMuch {
                what: "bytes of ways to its entries",
                limit: self.limits.ways,
            });
        }
        let Some(place) = place else {
            self.image.lost += 1;
            return Ok(());
        };
        // The top is there already.
        if place.is_empty() {
            return Ok(());
        }
        let kind = match entry.mode & TYPE {
            REGULAR => Kind::File(self.file(&place, &mut entry)?),
            DIRECTORY => Kind::Directory,
            SYMLINK => {
                let text = entry.target.unwrap_or_default();
                Kind::Symlink(String::from_utf8_lossy(text).into_owned())
            }
            _ => Kind::Other,
        };
        let mode = entry.mode;
        self.image.nodes.insert(place, Node { mode, kind });
        Ok(())
    }

    /// Where an entry gets its place (`clean_path`): what is of another type there goes
    /// away, a directory only if it is empty.
    fn free(&mut self, path: &str, mode: u32) -> Option<String> {
        let place = self.image.place(path, false, &mut self.ways)?;
        if place.is_empty() {
            return (mode & TYPE == DIRECTORY).then_some(place);
        }
        let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
        let has_parent = parent.is_empty()
            || matches!(self.image.nodes.get(parent), Some(node) if node.kind == Kind::Directory);
        if !has_parent {
            return None;
        }
        let is_full = self.image.nodes.get(&place).is_some_and(|there| {
            there.kind == Kind::Directory
                && mode & TYPE != DIRECTORY
                && self.image.has_below(&place)
        });
        (!is_full).then_some(place)
    }

    /// The number of the file that an entry is, with its content where that is wanted.
    fn file(&mut self, place: &str, entry: &mut Entry<'_>) -> Result<usize, InitrdError> {
        let has_names = entry.links >= 2;
        let key = (entry.archive, entry.inode);
        let known = self.inodes.get(&key).copied().filter(|_| has_names);
        let number = known.unwrap_or(self.image.files.len());
        if known.is_none() {
            self.image.files.push(File::default());
            if has_names {
                self.inodes.insert(key, number);
            }
        }
        let file = &mut self.image.files[number];
        file.mode = entry.mode;
        file.is_wanted |= (self.keep)(place);
        if entry.size == 0 && known.is_some() {
            return Ok(number);
        }
        self.kept -= file.content.take().map_or(0, |old| old.len() as u64);
        file.size = entry.size;
        let is_wanted = file.is_wanted || (has_names && entry.size <= SMALL);
        let has_room =
            entry.size <= self.limits.kept_file && self.kept + entry.size <= self.limits.kept;
        if is_wanted && has_room {
            let content = entry.content()?;
            self.kept += content.len() as u64;
            file.content = Some(content);
        }
        Ok(number)
    }
}
