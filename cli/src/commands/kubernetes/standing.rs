//! Where a controller stands: at work, ready to take over, or neither. To a rollout both of the first are well; the cluster's address
//! leads to the first alone.

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::views::text;
use serde_json::Value;

/// Where a controller stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It serves.
    Active,
    /// Another one serves, and this one can take over.
    Standby,
    /// It can do neither: it does not answer, has no database, or ends.
    Neither,
}

impl Standing {
    /// As health says it.
    pub fn of(health: &Value) -> Self {
        match (text(health, "/role").as_str(), text(health, "/status").as_str()) {
            ("active", "ok") => Self::Active,
            ("standby" | "taking_over", _) => Self::Standby,
            _ => Self::Neither,
        }
    }
}

/// Exit 0 when the controller is active or stands by, else 1
#[derive(Debug, clap::Args)]
pub struct Ready {
    /// Only the active one will do
    #[arg(long)]
    active: bool,
}

impl Ready {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        let health = common.prober()?.health()?;
        let well = match Standing::of(&health) {
            Standing::Active => true,
            Standing::Standby => !self.active,
            Standing::Neither => false,
        };
        let (role, reason) = (text(&health, "/role"), text(&health, "/reason"));
        output::print(&if reason.is_empty() { role } else { format!("{role}: {reason}") })?;
        Ok(if well { Exit::Success } else { Exit::Negative })
    }
}

#[cfg(test)]
mod tests {
    use super::Standing;
    use serde_json::json;

    #[test]
    fn a_standby_is_well_and_one_without_a_database_is_not() {
        let of = |role: &str, status: &str| Standing::of(&json!({"role": role, "status": status}));
        assert_eq!(of("active", "ok"), Standing::Active);
        assert_eq!(of("active", "unavailable"), Standing::Neither);
        assert_eq!([of("standby", "unavailable"), of("taking_over", "unavailable")], [Standing::Standby; 2]);
        for role in ["connecting", "cut_off", "over", "", "new"] {
            assert_eq!(of(role, "unavailable"), Standing::Neither, "{role}");
        }
    }
}
