mod get;
mod name;
mod session;
mod tokens;
