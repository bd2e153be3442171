mod cancel;
mod events;
mod get;
mod output;
mod resolve;
mod retry;
mod why;
