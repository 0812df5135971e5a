//! Choosing what goes together.

use std::collections::{HashSet, VecDeque};

use super::Command;

/// Takes the next batch out of `waiting`: in order of arrival, leaving behind what collides with a command before
/// it, taken or left. The first one is always taken.
pub(super) fn select(waiting: &mut VecDeque<Command>, commands_max: usize, bytes_max: usize) -> Vec<Command> {
    let mut batch: Vec<Command> = Vec::with_capacity(waiting.len().min(commands_max));
    let mut left = VecDeque::new();
    let (mut written, mut read) = (HashSet::<u64>::new(), HashSet::<u64>::new());
    let mut bytes = 0;
    while batch.len() < commands_max.max(1) {
        let Some(command) = waiting.pop_front() else { break };
        let touches = &command.touches;
        let collides = touches
            .writes
            .iter()
            .any(|touched| written.contains(touched) || read.contains(touched))
            || touches.reads.iter().any(|touched| written.contains(touched))
            || batch.first().is_some_and(|first| first.append.beside.views != command.append.beside.views);
        written.extend(&touches.writes);
        read.extend(&touches.reads);
        if collides || (!batch.is_empty() && bytes + command.weight > bytes_max) {
            left.push_back(command);
        } else {
            bytes += command.weight;
            batch.push(command);
        }
    }
    left.append(waiting);
    *waiting = left;
    batch
}

#[cfg(test)]
mod tests;
