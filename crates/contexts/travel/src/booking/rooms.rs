//! Which of a hotel's rooms are free, and which a booking takes.

use std::collections::BTreeSet;

use kernel::{Day, Facts, Reads};
use uuid::Uuid;

use super::Nights;

/// The set of room-nights, each held by one booking.
pub(super) const ROOM_NIGHTS: &str = "room-night";

/// All rooms of a type on a night.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rooms<'a> {
    pub(super) hotel_id: Uuid,
    pub(super) room_type: &'a str,
}

impl Rooms<'_> {
    /// What the claims of a night's rooms begin with; the room's number follows. A type whose own name ends in `#`
    /// and a number is no other type's room: what follows is then no number alone.
    fn of_night(self, night: Day) -> String {
        format!("{}/{night}/{}#", self.hotel_id, self.room_type)
    }

    /// The claim of one room on one night.
    pub(super) fn claim(self, night: Day, room: i64) -> String {
        format!("{}{room}", self.of_night(night))
    }

    /// That a command decides on what is sold of the nights.
    pub(super) fn read(self, nights: Nights, reads: Reads) -> Reads {
        nights.each().fold(reads, |reads, night| reads.and_claimed(ROOM_NIGHTS, self.of_night(night)))
    }

    /// A room for each night: the same one where one is free on all of them, else whichever is. `None` where some
    /// night has none.
    ///
    /// Whom the booking's id sends where: of many who ask for the last rooms at the same moment, each begins
    /// elsewhere, and few find theirs taken before them.
    pub(super) fn choose(self, nights: Nights, count: i64, booking: Uuid, facts: &Facts) -> Option<Vec<i64>> {
        let free: Vec<BTreeSet<i64>> = nights.each().map(|night| self.free(night, count, facts)).collect();
        let mut always = free.first()?.clone();
        for night in &free {
            always.retain(|room| night.contains(room));
        }
        if let Some(room) = some_of(&always, booking) {
            return Some(vec![room; free.len()]);
        }
        free.iter().map(|night| some_of(night, booking)).collect()
    }

    fn free(self, night: Day, count: i64, facts: &Facts) -> BTreeSet<i64> {
        let prefix = self.of_night(night);
        let sold: BTreeSet<i64> =
            facts.claimed(ROOM_NIGHTS, &prefix).filter_map(|room| room.parse().ok()).collect();
        (1..=count).filter(|room| !sold.contains(room)).collect()
    }
}

fn some_of(rooms: &BTreeSet<i64>, booking: Uuid) -> Option<i64> {
    let start = booking.as_u128() % u128::try_from(rooms.len()).ok().filter(|count| *count > 0)?;
    rooms.iter().nth(usize::try_from(start).ok()?).copied()
}
