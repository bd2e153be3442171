mod answer;
mod get;
