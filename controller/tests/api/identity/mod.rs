//! Who comes in, by which way, and what is made of what they may do.

mod browsers;
mod issuer;
mod nginx;
mod oidc;
mod policies;
mod proxies;
mod sessions;
mod tokens;
mod who;
