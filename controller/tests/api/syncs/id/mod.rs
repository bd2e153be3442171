mod confirm;
mod get;
