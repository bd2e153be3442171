mod get;
mod payload;
mod post;
