//! Files that are not kept are parsed and compiled, on every core where there are many.

use super::cache::{Cache, CheckedFile};
use crate::source::tree::{Entry, SourceError, Tree};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Fewer new files than these are not worth a thread.
const FEW: usize = 8;
/// Files that are read and wait to be checked.
const WAITING: usize = 64;

/// Every file of a tree, checked by itself, in the tree's order.
pub(super) fn files<'a>(tree: &'a dyn Tree, kept: &Cache) -> Result<Vec<(&'a Entry, Arc<CheckedFile>)>, SourceError> {
    let entries = tree.manifests();
    let mut files: Vec<Option<Arc<CheckedFile>>> = entries.iter().map(|entry| kept.file(entry).cloned()).collect();
    let missing: Vec<usize> = (0..entries.len()).filter(|index| files[*index].is_none()).collect();
    let checked = if missing.len() < FEW { here(tree, &missing)? } else { beside(tree, &missing)? };
    for (index, file) in checked {
        files[index] = Some(Arc::new(file));
    }
    Ok(entries.iter().zip(files).filter_map(|(entry, file)| Some((entry, file?))).collect())
}

fn here(tree: &dyn Tree, missing: &[usize]) -> Result<Vec<(usize, CheckedFile)>, SourceError> {
    let one = |index: &usize| {
        let entry = &tree.manifests()[*index];
        Ok((*index, CheckedFile::new(&entry.path, &tree.read(entry)?)))
    };
    missing.iter().map(one).collect()
}

/// This thread reads, because a tree belongs to one thread; the others check.
fn beside(tree: &dyn Tree, missing: &[usize]) -> Result<Vec<(usize, CheckedFile)>, SourceError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (send, receive) = sync_channel::<(usize, &str, Vec<u8>)>(WAITING);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| work(&receive))).collect();
        let mut read = Ok(());
        for index in missing {
            let entry = &tree.manifests()[*index];
            read = tree.read(entry).map(|bytes| send.send((*index, entry.path.as_str(), bytes)).is_ok()).map(drop);
            if read.is_err() {
                break;
            }
        }
        drop(send);
        let checked = workers.into_iter().flat_map(|worker| match worker.join() {
            Ok(checked) => checked,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let checked = checked.collect();
        read.map(|()| checked)
    })
}

fn work(receive: &Mutex<Receiver<(usize, &str, Vec<u8>)>>) -> Vec<(usize, CheckedFile)> {
    let next = || receive.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    std::iter::from_fn(next).map(|(index, path, bytes)| (index, CheckedFile::new(path, &bytes))).collect()
}
