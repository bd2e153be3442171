mod get;
mod name;
