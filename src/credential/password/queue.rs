//! The queue of password hashes that wait for a thread. Within the queue, the hashes of each source
//! wait in a separate line. The threads take hashes from the lines in turn, so that one source
//! cannot delay the others.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
};

use crate::token::network;

/// The kind of a caller. The queue has a separate lane for each kind, and the threads take hashes
/// from the lanes in turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Callers without a token, for example at a customer's sign-in, a registration or a password
    /// reset.
    #[default]
    Strangers,
    /// Customers who are signed in, or who sign in from a known device or source, and the host
    /// itself.
    Known,
    /// Admin users, signed in or not.
    Admins,
}

/// The line of the queue in which a hash waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    lane: Lane,
    /// The network of the caller. All callers whose IP address is unknown share one line. This line
    /// can fill the whole lane, because the hashes in it come from many sources.
    source: Option<IpAddr>,
}

impl Line {
    /// Returns the line of callers from this network.
    pub(crate) fn new(lane: Lane, source: Option<IpAddr>) -> Self {
        Self { lane, source: source.map(network) }
    }

    /// Returns the line of the same source in the lane of known callers. If this line is in the
    /// lane of admin users, it is returned unchanged.
    pub(crate) const fn with_known(self) -> Self {
        match self.lane {
            Lane::Strangers | Lane::Known => Self { lane: Lane::Known, ..self },
            Lane::Admins => self,
        }
    }

    /// Returns the line for two kinds of hash: hashes that the host requests, and new hashes that
    /// replace outdated ones after a sign-in.
    pub(crate) const fn of_host() -> Self {
        Self { lane: Lane::Known, source: None }
    }
}

/// The jobs (password hashes) that wait for a thread.
pub(super) struct Queue<J> {
    lanes: [Jobs<J>; 3],
    /// The index of the lane from which the next job is taken.
    next: usize,
    /// Maximum number of jobs that wait in one lane.
    capacity: usize,
    numbers: u64,
}

/// The position of a job in the queue, by which the job can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    line: Line,
    number: u64,
}

/// The lane has no room for the job, or the job's source already fills a quarter of the lane.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

struct Jobs<J> {
    waiting: usize,
    /// The sources that have waiting jobs, in the order in which the threads serve them.
    turns: VecDeque<Option<IpAddr>>,
    lines: HashMap<Option<IpAddr>, VecDeque<(u64, J)>>,
}

impl<J> Queue<J> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { lanes: std::array::from_fn(|_| Jobs::new()), next: 0, capacity, numbers: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.lanes.iter().map(|jobs| jobs.waiting).sum()
    }

    /// True if the lane is at least half full.
    #[expect(clippy::indexing_slicing, reason = "there is a place for each lane")]
    pub(super) const fn is_half_full(&self, lane: Lane) -> bool {
        self.lanes[lane as usize].waiting >= self.capacity.div_ceil(2)
    }

    /// Adds a job to the end of its line. A line of one source can fill at most a quarter of the
    /// lane. If the lane is full, the new job displaces the last job of the longest line. That line
    /// must have at least two jobs more than the line of the new job. Otherwise the new job is
    /// refused. Returns the displaced job, if there is one.
    pub(super) fn push(&mut self, line: Line, job: J) -> Result<(Ticket, Option<J>), Full> {
        let capacity = self.capacity;
        let jobs = self.lane(line.lane);
        let own = jobs.lines.get(&line.source).map_or(0, VecDeque::len);
        if line.source.is_some() && own >= (capacity / 4).max(1) {
            return Err(Full);
        }
        let displaced = if jobs.waiting < capacity { None } else { Some(jobs.displace(own).ok_or(Full)?) };
        self.numbers += 1;
        let number = self.numbers;
        self.lane(line.lane).push(line.source, number, job);
        Ok((Ticket { line, number }, displaced))
    }

    /// Takes the next job. The lanes are served in turn, and within a lane the sources are served
    /// in turn.
    pub(super) fn pop(&mut self) -> Option<J> {
        for _ in 0..self.lanes.len() {
            let lane = self.next;
            self.next = (lane + 1) % self.lanes.len();
            if let Some(job) = self.lanes.get_mut(lane).and_then(Jobs::pop) {
                return Some(job);
            }
        }
        None
    }

    /// Removes a job that is still waiting.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        let jobs = self.lane(ticket.line.lane);
        let Some(line) = jobs.lines.get_mut(&ticket.line.source) else { return };
        if let Some(place) = line.iter().position(|(number, _)| *number == ticket.number) {
            line.remove(place);
            jobs.waiting -= 1;
            jobs.forget_if_empty(ticket.line.source);
        }
    }

    #[expect(clippy::indexing_slicing, reason = "there is a place for each lane")]
    const fn lane(&mut self, lane: Lane) -> &mut Jobs<J> {
        &mut self.lanes[lane as usize]
    }
}

impl<J> Jobs<J> {
    fn new() -> Self {
        Self { waiting: 0, turns: VecDeque::new(), lines: HashMap::new() }
    }

    fn push(&mut self, source: Option<IpAddr>, number: u64, job: J) {
        let line = self.lines.entry(source).or_default();
        if line.is_empty() {
            self.turns.push_back(source);
        }
        line.push_back((number, job));
        self.waiting += 1;
    }

    fn pop(&mut self) -> Option<J> {
        let source = self.turns.pop_front()?;
        let line = self.lines.get_mut(&source)?;
        let (_, job) = line.pop_front()?;
        self.waiting -= 1;
        if line.is_empty() {
            self.lines.remove(&source);
        } else {
            self.turns.push_back(source);
        }
        Some(job)
    }

    /// Removes the last job of the longest line, if that line has at least `length + 2` jobs.
    fn displace(&mut self, length: usize) -> Option<J> {
        let (&source, line) = self.lines.iter_mut().max_by_key(|(_, line)| line.len())?;
        if line.len() < length + 2 {
            return None;
        }
        let (_, job) = line.pop_back()?;
        self.waiting -= 1;
        self.forget_if_empty(source);
        Some(job)
    }

    fn forget_if_empty(&mut self, source: Option<IpAddr>) {
        if self.lines.get(&source).is_some_and(VecDeque::is_empty) {
            self.lines.remove(&source);
            self.turns.retain(|turn| *turn != source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(lane: Lane, source: u8) -> Line {
        let source = (source > 0).then(|| IpAddr::from([192, 0, 2, source]));
        Line { lane, source }
    }

    fn stranger(source: u8) -> Line {
        line(Lane::Strangers, source)
    }

    fn popped(queue: &mut Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn sources_take_turns() {
        let mut queue = Queue::new(16);
        for job in 0..3 {
            queue.push(stranger(1), 10 + job).unwrap();
        }
        queue.push(stranger(2), 20).unwrap();
        queue.push(stranger(3), 30).unwrap();
        assert_eq!(popped(&mut queue), [10, 20, 30, 11, 12]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn lanes_take_turns_and_have_room_of_their_own() {
        let mut queue = Queue::new(4);
        for source in 1..=4 {
            queue.push(stranger(source), u32::from(source)).unwrap();
        }
        assert_eq!(queue.push(stranger(5), 5), Err(Full));
        queue.push(line(Lane::Admins, 5), 50).unwrap();
        queue.push(line(Lane::Known, 5), 40).unwrap();
        assert_eq!(popped(&mut queue), [1, 40, 50, 2, 3, 4]);
    }

    #[test]
    fn a_lane_is_half_full_by_its_own_jobs() {
        for (capacity, half) in [(1, 1), (4, 2), (5, 3)] {
            let mut queue = Queue::new(capacity);
            for job in 0..half {
                assert!(!queue.is_half_full(Lane::Strangers), "{job} of {capacity}");
                queue.push(stranger(0), job).unwrap();
            }
            assert!(queue.is_half_full(Lane::Strangers), "{half} of {capacity}");
            assert!(!queue.is_half_full(Lane::Admins));
            queue.pop();
            assert!(!queue.is_half_full(Lane::Strangers));
        }
    }

    #[test]
    fn a_source_holds_a_quarter_and_those_without_one_hold_all() {
        let mut queue = Queue::new(8);
        queue.push(stranger(1), 1).unwrap();
        queue.push(stranger(1), 2).unwrap();
        assert_eq!(queue.push(stranger(1), 3), Err(Full));
        for job in 0..6 {
            queue.push(stranger(0), job).unwrap();
        }
        assert_eq!(queue.len(), 8);
    }

    #[test]
    fn a_full_lane_takes_from_the_longest_line() {
        let mut queue = Queue::new(8);
        for job in 0..8 {
            queue.push(stranger(0), job).unwrap();
        }
        let (_, displaced) = queue.push(stranger(1), 100).unwrap();
        assert_eq!((displaced, queue.len()), (Some(7), 8));
        // Lines of one job each keep their jobs.
        let mut queue = Queue::new(2);
        queue.push(stranger(1), 1).unwrap();
        queue.push(stranger(2), 2).unwrap();
        assert_eq!(queue.push(stranger(3), 3), Err(Full));
    }

    #[test]
    fn a_job_that_is_taken_back_frees_its_place_and_its_turn() {
        let mut queue = Queue::new(4);
        let (first, _) = queue.push(stranger(1), 1).unwrap();
        queue.push(stranger(2), 2).unwrap();
        queue.remove(first);
        queue.remove(first);
        assert_eq!(queue.len(), 1);
        queue.push(stranger(1), 3).unwrap();
        assert_eq!(popped(&mut queue), [2, 3]);
    }
}
