mod delete;
mod get;
