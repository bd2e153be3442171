//! Who a request is from. What they may do is decided by `core/access`.

mod admin;
mod principal;

pub use admin::Admin;
pub use principal::{Means, Principal};

use crate::config::AdminToken;

/// Every way in.
pub struct Identity {
    admin: Admin,
}

/// Why a request's word on who it is from is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It says nothing.
    Nobody,
    /// Its token is none that counts.
    BadToken,
}

impl Identity {
    /// The ways in of a controller with this token.
    pub fn new(admin: &AdminToken) -> Self {
        Self { admin: Admin::new(admin) }
    }

    /// Who has a token.
    pub fn bearer(&self, token: Option<&str>) -> Result<Principal, Unknown> {
        match token {
            Some(token) if self.admin.is(token) => Ok(Principal::admin()),
            Some(_) => Err(Unknown::BadToken),
            None => Err(Unknown::Nobody),
        }
    }
}
