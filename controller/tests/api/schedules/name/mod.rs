mod get;
mod slots;
