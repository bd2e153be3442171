//! By which the certificate is exchanged: from time to time by itself, and at once where somebody says so.

use super::current::Current;
use super::keeper::Keeper;
use crate::clock;
use crate::config::Pem;
use rustls::sign::CertifiedKey;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked whether something is to be done. Files are small, and looking at them works wherever they lie.
const LOOK: Duration = Duration::from_secs(2);

/// Who keeps the certificate, and where it is in use; clones share both.
#[derive(Clone)]
pub struct Handle {
    keeper: Arc<Mutex<Keeper>>,
    current: Arc<Current>,
}

/// Another certificate that can be used.
pub struct Other {
    keeper: Mutex<Option<Keeper>>,
    certified: Arc<CertifiedKey>,
}

impl Handle {
    pub(super) fn new(keeper: Keeper, current: Arc<Current>) -> Self {
        Self { keeper: Arc::new(Mutex::new(keeper)), current }
    }

    /// Keeps the certificate current until the stop.
    pub async fn keep(self, mut stopping: watch::Receiver<bool>) {
        while tokio::time::timeout(LOOK, stopping.wait_for(|stopping| *stopping)).await.is_err() {
            if let Some(certified) = self.keeper().look(clock::now()) {
                self.current.replace(certified);
            }
        }
    }

    /// Reads what the settings name now; `None` where it is what is in use.
    ///
    /// # Errors
    ///
    /// What is there cannot be used.
    pub fn other(&self, certificate: &Pem, key: &Pem) -> Result<Option<Other>, String> {
        let (keeper, certified) = Keeper::reading(certificate, key)?;
        let is_known = self.keeper().known() == keeper.known();
        Ok((!is_known || !self.keeper().reads(certificate, key)).then(|| Other { keeper: Mutex::new(Some(keeper)), certified }))
    }

    /// From now on this one.
    pub fn replace(&self, other: &Other) {
        if let Some(keeper) = other.keeper.lock().unwrap_or_else(PoisonError::into_inner).take() {
            *self.keeper() = keeper;
            self.current.replace(Arc::clone(&other.certified));
        }
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
