mod get;
#[path = "../../../support/gitea.rs"]
mod payload;
mod post;
