mod get;
mod storm;
