mod export;
mod get;
mod routes;
mod secrets;
mod strangers;
mod verify;

use crate::harness::Server;
use serde_json::Value;

/// Every row, the newest first.
pub fn rows(server: &Server) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/api/v1/audit?limit=500{cursor}")).ok();
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// The rows of one request.
pub fn of_request(rows: &[Value], id: &str) -> Vec<Value> {
    rows.iter().filter(|row| row["requestId"] == id).cloned().collect()
}

/// Waits until everything that is written is sealed, and answers how many rows that are.
pub fn sealed(server: &Server) -> usize {
    let all = |page: &Value| page["items"].as_array().unwrap().iter().all(|row| row["seq"].is_i64());
    server.until("/api/v1/audit?limit=500", all)["items"].as_array().unwrap().len()
}
