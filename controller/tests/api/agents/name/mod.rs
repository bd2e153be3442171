mod cordon;
mod delete;
mod get;
mod replace;
