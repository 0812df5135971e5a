//! What is done with records that cannot be applied.

use clap::Args;

/// How patient a projector is with a record that cannot be applied.
#[derive(Debug, Clone, Copy, Args)]
pub struct ParkingConfig {
    /// How often such a record is tried, with pauses that grow from 20 ms, before what it touches is parked: it and
    /// what follows it become dead letters, and everything else goes on. Its lane waits meanwhile, so that many
    /// tries at many records make views late. A store that is away is waited for without end.
    #[arg(long, env = "TWOFOLD_PARK_AFTER", default_value_t = 3, value_name = "TRIES",
        value_parser = clap::value_parser!(u32).range(1..=20))]
    pub park_after: u32,
}

impl Default for ParkingConfig {
    fn default() -> Self {
        Self { park_after: 3 }
    }
}
