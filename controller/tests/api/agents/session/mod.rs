mod attacks;
mod get;
mod storm;
