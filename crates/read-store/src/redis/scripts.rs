//! The scripts. Each touches one lane's keys, which share a hash tag, and nothing else.

use std::sync::LazyLock;

use redis::Script;

/// Carries out what comes behind the first `first` keys, two arguments to each.
macro_rules! operations {
    () => {
        "for i = first + 1, #KEYS do
             local key, operation, value = KEYS[i], ARGV[2 * i - 1], ARGV[2 * i]
             if operation == 's' then redis.call('SET', key, value)
             elseif operation == 'd' then redis.call('DEL', key)
             elseif operation == 'a' then redis.call('ZADD', key, 0, value)
             elseif operation == 'r' then redis.call('ZREM', key, value)
             elseif operation == 'n' then redis.call('SETNX', key, value)
             elseif operation == 'u' then redis.call('HDEL', key, value)
             else
                 local number, field = string.match(value, '^(%d+) (.*)$')
                 redis.call('HSETNX', key, field, number)
             end
         end
         return 1"
    };
}

/// Rows, links and checkpoint in one step, by compare-and-set on the checkpoint: 1 where it was as expected, else 0
/// and nothing happened. The checkpoint is written first: a Redis that is out of memory refuses a script's first
/// growing write, and none after it.
///
/// KEYS: the checkpoint, then one per operation. ARGV: expected, next, then two per operation: `s` value (set),
/// `d` (delete), `a` member (add to a sorted set), `r` member (remove from one), `n` value (set where there is
/// nothing), `p` number and field (set the field of a hash where there is none), `u` field (remove one).
pub(super) static WRITE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         redis.call('SET', KEYS[1], ARGV[2])
         local first = 1 ",
        operations!()
    ))
});

/// As [`WRITE`], of one who has claimed the lane: nothing happens once another has.
///
/// KEYS: the checkpoint, the claim, then one per operation. ARGV: expected, next, our claim, nothing, then as above.
pub(super) static WRITE_PART: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
         redis.call('SET', KEYS[1], ARGV[2])
         local first = 2 ",
        operations!()
    ))
});

/// Claims a lane for writing in parts: 1 where its checkpoint was as expected, else 0.
///
/// KEYS: the checkpoint, the claim. ARGV: expected, our claim.
pub(super) static CLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         redis.call('SET', KEYS[2], ARGV[2])
         return 1",
    )
});

/// Lets a version serve a lane: 1 where it does now, 0 where another does, -1 where the lane has moved. A later
/// version replaces an earlier one that it has overtaken, or that is of another history; never the other way round.
///
/// One that was replaced does not replace what replaced it.
///
/// KEYS: serving, our checkpoint, our mark of having been replaced. ARGV: our version, the expected checkpoint, what a version's keys begin with.
pub(super) static CAUGHT_UP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local ours = redis.call('GET', KEYS[2])
         if ours ~= ARGV[2] then return -1 end
         local serving = redis.call('GET', KEYS[1])
         if serving == ARGV[1] then return 1 end
         if serving then
             if tonumber(serving) > tonumber(ARGV[1]) or redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
             local old = redis.call('GET', ARGV[3] .. serving .. ':checkpoint')
             local place = function(checkpoint) return string.match(checkpoint, '^(%d+) %d+ (%S+)') end
             if old then
                 local reached, history = place(old)
                 local here, ours_is = place(ours)
                 local is_other = history ~= ours_is and history ~= '-' and ours_is ~= '-'
                 if not is_other and tonumber(reached) > tonumber(here) then return 0 end
             end
             redis.call('SET', ARGV[3] .. serving .. ':retained', 1)
         end
         redis.call('SET', KEYS[1], ARGV[1])
         return 1",
    )
});

/// Lets a build that was replaced serve a lane again: 1 where it does now, 0 where it lacks what the other has, or is of
/// another history.
///
/// KEYS: serving, our checkpoint, our mark of having been replaced. ARGV: our number, what a build's keys begin with.
pub(super) static SERVE_AGAIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local serving, ours = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
         if serving == ARGV[1] then return 1 end
         if not ours then return serving and 0 or 1 end
         if redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
         if serving then
             local old = redis.call('GET', ARGV[2] .. serving .. ':checkpoint')
             local place = function(checkpoint) return string.match(checkpoint, '^(%d+) %d+ (%S+)') end
             if old then
                 local reached, history = place(old)
                 local here, ours_is = place(ours)
                 local is_other = history ~= ours_is and history ~= '-' and ours_is ~= '-'
                 if is_other or tonumber(reached) > tonumber(here) then return 0 end
             end
             redis.call('SET', ARGV[2] .. serving .. ':retained', 1)
         end
         redis.call('DEL', KEYS[3])
         redis.call('SET', KEYS[1], ARGV[1])
         return 1",
    )
});
