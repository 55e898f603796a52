//! Images, built once and kept by their content.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::FlockOperation;

use crate::error::{Context, Result};

/// Everything that determines an image, hashed (128-bit FNV-1a: no one attacks
/// this cache, it must only not confuse images).
#[derive(Debug, Clone)]
pub(crate) struct Key(u128);

impl Key {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    pub(crate) fn new(builder: &str) -> Self {
        Key(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d).text(builder)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
        self
    }

    /// Adds a field; its length goes in too, so that neighbours can't merge.
    pub(crate) fn field(self, bytes: &[u8]) -> Self {
        self.bytes(&(bytes.len() as u64).to_le_bytes()).bytes(bytes)
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.field(text.as_bytes())
    }

    pub(crate) fn key(self, other: &Key) -> Self {
        self.field(&other.0.to_le_bytes())
    }

    /// Adds every file below `dir`: path, type, mode and content.
    pub(crate) fn tree(mut self, dir: &Path) -> Result<Self> {
        let mut pending = vec![dir.to_owned()];
        while let Some(path) = pending.pop() {
            let meta = fs::symlink_metadata(&path).context("inspect", &path)?;
            let name = path.strip_prefix(dir).unwrap_or(&path);
            self = self
                .text(&name.to_string_lossy())
                .field(&meta.permissions().mode().to_le_bytes());
            if meta.is_dir() {
                let mut names = Vec::new();
                for entry in fs::read_dir(&path).context("list", &path)? {
                    names.push(entry.context("list", &path)?.path());
                }
                names.sort();
                pending.extend(names);
            } else if meta.is_symlink() {
                let to = fs::read_link(&path).context("read", &path)?;
                self = self.text(&to.to_string_lossy());
            } else if meta.file_type().is_char_device() {
                // An overlay's mark for a file taken away.
                self = self.field(&meta.rdev().to_le_bytes());
            } else {
                let mut bytes = Vec::new();
                File::open(&path)
                    .and_then(|mut f| f.read_to_end(&mut bytes))
                    .context("read", &path)?;
                self = self.field(&bytes);
            }
        }
        Ok(self)
    }

    fn name(&self) -> String {
        format!("{:032x}", self.0)
    }
}

/// An image that was asked for so recently may have a machine running on it,
/// of another lab that tries another state of the program.
const IN_USE: Duration = Duration::from_secs(3600);

/// The directory that holds the images.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    pub(crate) fn open(dir: PathBuf) -> Result<Self> {
        let scratch = dir.join("tmp");
        fs::create_dir_all(&scratch).context("create", &scratch)?;
        // What a lab that was killed left behind.
        for entry in fs::read_dir(&scratch).context("list", &scratch)? {
            let path = entry.context("list", &scratch)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let owner = name.split('-').next().unwrap_or_default();
            if !Path::new("/proc").join(owner).exists() {
                remove(&path)?;
            }
        }
        Ok(Cache { dir })
    }

    /// An empty directory for work in progress: another one each time, for two
    /// scenarios may want the same image at once.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = self
            .dir
            .join("tmp")
            .join(format!("{}-{count}-{name}", std::process::id()));
        remove(&dir)?;
        fs::create_dir_all(&dir).context("create", &dir)?;
        Ok(dir)
    }

    /// Where the images are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether it is there.
    pub(crate) fn has(&self, kind: &str, key: &Key) -> bool {
        self.dir.join(format!("{kind}-{}", key.name())).exists()
    }

    /// The directory of the image of that kind with this key; `build` fills it
    /// when it isn't there yet. An image appears whole or not at all: it is built
    /// aside and renamed. Those who ask by different names for the same content
    /// share it; what no name stands for any more is removed when nobody uses it:
    /// only the newest content of each name is kept.
    pub(crate) fn get(
        &self,
        kind: &str,
        name: &str,
        key: &Key,
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let image = format!("{kind}-{}", key.name());
        let path = self.dir.join(&image);
        // Two runs that need the same image: the second waits for the first.
        let _locked = self.lock(&image)?;
        let names = self.dir.join("names").join(kind);
        write(&names.join(name), 0o644, &image)?;
        if path.exists() {
            touch(&path)?;
            return Ok(path);
        }
        let scratch = self.scratch(kind)?;
        build(&scratch)?;
        fs::rename(&scratch, &path).context("rename", &scratch)?;
        // One at a time: what one removes another would miss.
        let _forgetting = self.lock("forget")?;
        self.forget(kind, &names)?;
        Ok(path)
    }

    /// Removes what the name stands for, if nothing else stands for it.
    pub(crate) fn drop_name(&self, kind: &str, name: &str) -> Result<()> {
        let _forgetting = self.lock("forget")?;
        let names = self.dir.join("names").join(kind);
        let path = names.join(name);
        let Ok(image) = fs::read_to_string(&path) else {
            return Ok(());
        };
        fs::remove_file(&path).context("remove", &path)?;
        let mut others = fs::read_dir(&names).context("list", &names)?.flatten();
        let is_wanted =
            others.any(|other| fs::read_to_string(other.path()).is_ok_and(|text| text == image));
        if is_wanted {
            return Ok(());
        }
        remove(&self.dir.join(image))
    }

    fn lock(&self, name: &str) -> Result<File> {
        let locks = self.dir.join("locks");
        fs::create_dir_all(&locks).context("create", &locks)?;
        let lock = locks.join(name);
        let file = File::create(&lock).context("create", &lock)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive)
            .map_err(std::io::Error::from)
            .context("lock", &lock)?;
        Ok(file)
    }

    fn forget(&self, kind: &str, names: &Path) -> Result<()> {
        let mut wanted = BTreeSet::new();
        for entry in fs::read_dir(names).context("list", names)? {
            let path = entry.context("list", names)?.path();
            wanted.insert(fs::read_to_string(&path).context("read", &path)?);
        }
        let prefix = format!("{kind}-");
        for entry in fs::read_dir(&self.dir).context("list", &self.dir)? {
            let path = entry.context("list", &self.dir)?.path();
            let image = path.file_name().and_then(|n| n.to_str());
            let old = image.is_some_and(|image| {
                let rest = image.strip_prefix(&prefix);
                rest.is_some_and(|rest| rest.len() == 32 && !rest.contains('-'))
                    && !wanted.contains(image)
            });
            if old && !is_in_use(&path) {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Notes that the image is in use.
fn touch(image: &Path) -> Result<()> {
    File::open(image)
        .and_then(|dir| dir.set_modified(SystemTime::now()))
        .context("touch", image)
}

fn is_in_use(image: &Path) -> bool {
    let used = fs::metadata(image).and_then(|meta| meta.modified()).ok();
    used.and_then(|used| used.elapsed().ok())
        .is_some_and(|ago| ago < IN_USE)
}

/// Removes a directory tree that may not exist.
pub(crate) fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.context("remove", dir),
    }
}

/// Writes a file with its parents.
pub(crate) fn write(path: &Path, mode: u32, bytes: impl AsRef<[u8]>) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).context("create", parent)?;
    }
    let mut file = File::create(path).context("create", path)?;
    file.write_all(bytes.as_ref()).context("write", path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))
        .context("change the mode of", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_merge() {
        let a = Key::new("t").text("ab").text("c");
        let b = Key::new("t").text("a").text("bc");
        assert_ne!(a.name(), b.name());
    }

    #[test]
    fn tree_sees_content_mode_and_links() {
        let dir = tempfile::tempdir().unwrap();
        let key = || Key::new("t").tree(dir.path()).unwrap().name();
        write(&dir.path().join("a/b"), 0o644, "one").unwrap();
        let first = key();
        assert_eq!(first, key());
        write(&dir.path().join("a/b"), 0o600, "one").unwrap();
        let second = key();
        assert_ne!(first, second);
        std::os::unix::fs::symlink("b", dir.path().join("a/c")).unwrap();
        assert_ne!(second, key());
    }

    #[test]
    fn an_image_is_built_once_and_its_predecessor_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path().to_owned()).unwrap();
        let get = |name: &str, key: &str, text: &'static str| {
            let build = move |at: &Path| -> Result<()> { write(&at.join("f"), 0o644, text) };
            cache.get("host", name, &Key::new(key), build).unwrap()
        };
        let one = get("a", "1", "one");
        assert_eq!(get("a", "1", "two"), one);
        assert_eq!(fs::read_to_string(one.join("f")).unwrap(), "one");
        let two = get("a", "2", "two");
        assert!(one.exists() && two.exists(), "asked for a moment ago");
        for image in [&one, &two] {
            let long_ago = SystemTime::now() - IN_USE * 2;
            File::open(image).unwrap().set_modified(long_ago).unwrap();
        }
        let three = get("a", "3", "three");
        assert!(three.exists() && !two.exists() && !one.exists());
    }

    #[test]
    fn one_content_serves_two_names_until_neither_wants_it() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path().to_owned()).unwrap();
        let get = |name: &str, key: &str| {
            let build = |at: &Path| -> Result<()> { write(&at.join("f"), 0o644, "x") };
            cache.get("host", name, &Key::new(key), build).unwrap()
        };
        let one = get("a", "1");
        assert_eq!(get("b", "1"), one);
        let age = || {
            let long_ago = SystemTime::now() - IN_USE * 2;
            File::open(&one).unwrap().set_modified(long_ago).unwrap();
        };
        age();
        get("a", "2");
        assert!(one.exists());
        age();
        get("b", "3");
        assert!(!one.exists());
    }

    #[test]
    fn a_dropped_names_image_goes_unless_another_name_wants_it() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path().to_owned()).unwrap();
        let get = |name: &str| {
            let build = |at: &Path| -> Result<()> { write(&at.join("f"), 0o644, "x") };
            cache.get("host", name, &Key::new("1"), build).unwrap()
        };
        let image = get("a");
        get("b");
        cache.drop_name("host", "a").unwrap();
        assert!(image.exists());
        cache.drop_name("host", "b").unwrap();
        cache.drop_name("host", "b").unwrap();
        assert!(!image.exists());
    }

    #[test]
    fn what_a_dead_lab_left_goes_and_what_a_living_one_uses_stays() {
        let dir = tempfile::tempdir().unwrap();
        let dead = dir.path().join("tmp/4194305-host-x");
        fs::create_dir_all(&dead).unwrap();
        let cache = Cache::open(dir.path().to_owned()).unwrap();
        assert!(!dead.exists());
        let own = cache.scratch("host-y").unwrap();
        Cache::open(dir.path().to_owned()).unwrap();
        assert!(own.exists());
    }

    #[test]
    fn a_failed_build_leaves_no_image() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path().to_owned()).unwrap();
        let key = Key::new("1");
        let broken = cache.get("tree", "t", &key, |at| {
            write(&at.join("half"), 0o644, "x")?;
            crate::command::Program::new("false").output().map(drop)
        });
        assert!(matches!(broken, Err(crate::Error::Command { .. })));
        let built = cache
            .get("tree", "t", &key, |at| write(&at.join("f"), 0o644, "x"))
            .unwrap();
        assert!(!built.join("half").exists());
    }
}
