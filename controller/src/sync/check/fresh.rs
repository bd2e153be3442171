//! Files that are not kept are parsed and compiled, on every core where there are many.

use super::cache::{Cache, CheckedFile};
use super::too_large;
use crate::source::tree::{Entry, MAX_MANIFEST_BYTES, SourceError, Tree};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Fewer new files than these are not worth a thread.
const FEW: usize = 8;
/// Files that are read and wait to be checked.
const WAITING: usize = 64;

/// Checks one file by its path and bytes: [`CheckedFile::new`].
type Checker = fn(&str, &[u8]) -> CheckedFile;

/// Every file of a tree, checked by itself, in the tree's order.
pub(super) fn files<'a>(
    tree: &'a dyn Tree,
    kept: &Cache,
    checker: Checker,
) -> Result<Vec<(&'a Entry, Arc<CheckedFile>)>, SourceError> {
    let entries = tree.manifests();
    let mut files: Vec<Option<Arc<CheckedFile>>> = entries.iter().map(|entry| kept.file(entry).cloned()).collect();
    let missing: Vec<usize> = (0..entries.len()).filter(|index| files[*index].is_none()).collect();
    let mut room = Room { left: MAX_MANIFEST_BYTES };
    files.iter().flatten().try_for_each(|file| room.take(file.bytes))?;
    let read = |index: usize| {
        let bytes = tree.read(&entries[index])?;
        room.take(bytes.len()).map(|()| bytes)
    };
    let few = missing.len() < FEW;
    let checked = if few { here(entries, &missing, read, checker)? } else { beside(entries, &missing, read, checker)? };
    for (index, file) in checked {
        files[index] = Some(Arc::new(file));
    }
    Ok(entries.iter().zip(files).filter_map(|(entry, file)| Some((entry, file?))).collect())
}

/// Bytes of manifests that there is room for.
struct Room {
    left: usize,
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), SourceError> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| too_large("manifests", MAX_MANIFEST_BYTES))?;
        Ok(())
    }
}

fn here(
    entries: &[Entry],
    missing: &[usize],
    mut read: impl FnMut(usize) -> Result<Vec<u8>, SourceError>,
    checker: Checker,
) -> Result<Vec<(usize, CheckedFile)>, SourceError> {
    let one = |index: &usize| Ok((*index, survived(checker, &entries[*index].path, &read(*index)?)));
    missing.iter().map(one).collect()
}

/// This thread reads, because a tree belongs to one thread; the others check.
fn beside(
    entries: &[Entry],
    missing: &[usize],
    mut read: impl FnMut(usize) -> Result<Vec<u8>, SourceError>,
    checker: Checker,
) -> Result<Vec<(usize, CheckedFile)>, SourceError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (send, receive) = sync_channel::<(usize, &str, Vec<u8>)>(WAITING);
    let receive = Arc::new(Mutex::new(receive));
    std::thread::scope(|scope| {
        let spawn = |_| {
            scope.spawn({
                let receive = Arc::clone(&receive);
                move || work(&receive, checker)
            })
        };
        let workers: Vec<_> = (0..cores).map(spawn).collect();
        // Only the workers hold it: were none of them left, sending would fail rather than wait for ever.
        drop(receive);
        let whole = missing.iter().try_for_each(|index| {
            // Nobody takes it only once every worker has panicked, which is told when they are joined.
            read(*index).map(|bytes| drop(send.send((*index, entries[*index].path.as_str(), bytes))))
        });
        drop(send);
        let checked = workers.into_iter().flat_map(|worker| match worker.join() {
            Ok(checked) => checked,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let checked = checked.collect();
        whole.map(|()| checked)
    })
}

fn work(receive: &Mutex<Receiver<(usize, &str, Vec<u8>)>>, checker: Checker) -> Vec<(usize, CheckedFile)> {
    let next = || receive.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    std::iter::from_fn(next).map(|(index, path, bytes)| (index, survived(checker, path, &bytes))).collect()
}

/// A mistake of ours that one file brings to light refuses the commit and names the file, like the file's own mistakes.
fn survived(checker: Checker, path: &str, bytes: &[u8]) -> CheckedFile {
    std::panic::catch_unwind(|| checker(path, bytes)).unwrap_or_else(|_| CheckedFile::uncheckable(path, bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::{Cache, CheckedFile, files};
    use crate::source::{Given, SourceFile};

    /// As if every file whose name has a 7 brought a mistake of the checker's to light.
    fn mistaken(path: &str, bytes: &[u8]) -> CheckedFile {
        assert!(!path.contains('7'), "a mistake of the checker's");
        CheckedFile::new(path, bytes)
    }

    /// As if every file did.
    fn hopeless(path: &str, _: &[u8]) -> CheckedFile {
        panic!("a mistake of the checker's: {path}")
    }

    fn tree(number: usize) -> Given {
        let file = |n| SourceFile { path: format!("{n:03}.yaml"), bytes: b"# nothing\n".to_vec(), executable: false };
        Given::new((0..number).map(file).collect())
    }

    #[test]
    fn a_mistake_of_the_checker_is_a_problem_of_the_file_that_brought_it_to_light() {
        for (number, bad) in [(8, 1), (5, 0), (80, 17)] {
            let tree = tree(number);
            let checked = files(&tree, &Cache::default(), mistaken).unwrap();
            let problems: Vec<_> = checked.iter().flat_map(|(_, file)| &file.problems).collect();
            assert_eq!((checked.len(), problems.len()), (number, bad));
            assert!(problems.iter().all(|problem| problem.code == "internal" && problem.file.contains('7')), "{problems:?}");
            assert_eq!(files(&tree, &Cache::default(), hopeless).unwrap().len(), number, "and nobody waits for ever");
        }
    }
}
