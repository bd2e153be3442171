//! What the kernel says of this process, read when somebody asks.

use super::table;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// This process.
#[derive(Debug)]
pub(super) struct Process;

/// `/proc/self/stat`, as far as it is told. Counted from behind the name, which may hold anything.
struct Stat {
    cpu_ticks: f64,
    threads: f64,
    started_ticks: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        // Field 3 of proc(5) is the first behind the name.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            started_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        if let Some(stat) = Stat::read() {
            let (page, tick) = (rustix::param::page_size() as f64, rustix::param::clock_ticks_per_second() as f64);
            let cpu = ConstCounter::new(stat.cpu_ticks / tick);
            tell(&mut encoder, "process_cpu_seconds_total", ConstCounter::<f64>::TYPE, &cpu)?;
            gauge(&mut encoder, "process_threads", stat.threads)?;
            gauge(&mut encoder, "process_virtual_memory_bytes", stat.virtual_bytes)?;
            gauge(&mut encoder, "process_resident_memory_bytes", stat.resident_pages * page)?;
            if let Some(booted) = booted() {
                gauge(&mut encoder, "process_start_time_seconds", booted + stat.started_ticks / tick)?;
            }
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            gauge(&mut encoder, "process_open_fds", f64::from(u32::try_from(open.count()).unwrap_or(u32::MAX)))?;
        }
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        gauge(&mut encoder, "process_max_fds", limit.and_then(|most| u32::try_from(most).ok()).map_or(f64::INFINITY, f64::from))
    }
}

/// When the machine began, in seconds.
fn booted() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, value: f64) -> std::fmt::Result {
    tell(encoder, name, ConstGauge::<f64>::TYPE, &ConstGauge::new(value))
}

fn tell(encoder: &mut DescriptorEncoder<'_>, name: &str, kind: MetricType, metric: &impl EncodeMetric) -> std::fmt::Result {
    let help = table::row(name).map_or("", |row| row.help);
    metric.encode(encoder.encode_descriptor(name.strip_suffix("_total").unwrap_or(name), help, None, kind)?)
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn a_name_with_everything_in_it_is_no_matter() {
        let text = "7 (a) R (b)) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 9 0 12345 1000000 250 18446744073709551615 1\n";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.cpu_ticks, stat.threads, stat.started_ticks), (200.0, 9.0, 12345.0));
        assert_eq!((stat.virtual_bytes, stat.resident_pages), (1_000_000.0, 250.0));
        assert!(Stat::parse("nonsense").is_none() && Stat::parse("1 (x) S 1").is_none());
    }
}
