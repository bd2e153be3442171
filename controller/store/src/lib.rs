//! controller/store
