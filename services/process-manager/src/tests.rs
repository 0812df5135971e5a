//! A process on a real Postgres with a command side of its own, crashed wherever it can be.

mod asking;
mod crashing;
mod hotel;
mod operating;
mod surviving;
mod sweeping;
mod toy;
mod world;
