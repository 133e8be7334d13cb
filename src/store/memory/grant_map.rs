use std::{cmp::Ordering, mem};

use crate::token::GrantId;

/// A map from grant ids to values. A look-up usually costs only one miss of the processor's cache.
///
/// The entries are sorted by the first bytes of their ids, with free slots between them. Ids are
/// random digests, so the first bytes predict the slot of an entry, with an error of a few slots.
/// The hash table of the standard library is not used, because its look-up reads control bytes
/// first and the entry second. With a million entries, both reads are cache misses.
pub(super) struct GrantMap<V> {
    /// Each id has a home slot, which the first bytes of the id select: see [`home`](Self::home).
    /// The first `homes` slots of this list are the home slots. An entry is in the home slot of its
    /// id, or in a later slot. All slots from the home slot up to the entry are occupied. After the
    /// home slots, the list has slots for entries that found no room in the last home slots.
    slots: Vec<Option<(GrantId, V)>>,
    homes: usize,
    len: usize,
}

impl<V> GrantMap<V> {
    const MIN_HOMES: usize = 8;
    /// Number of slots behind the home slots for which memory is allocated at once.
    const SPILL: usize = 16;

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, id: &GrantId) -> Option<&V> {
        let (found, value) = self.slots.get(self.place(id))?.as_ref()?;
        (found == id).then_some(value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(GrantId, V)> {
        self.slots.iter().flatten()
    }

    pub(super) fn insert(&mut self, id: GrantId, value: V) {
        self.remove(&id);
        // The fuller the table is, the further entries are from their home slots, and the slower
        // look-ups are. So the table grows when it has four entries for each five home slots.
        if self.len * 5 >= self.homes * 4 {
            self.rebuild(self.homes + self.homes / 4);
        }
        // Puts the new entry into its slot. Moves the entries that are between this slot and the
        // next free slot by one slot each.
        let mut place = self.place(&id);
        let mut moving = Some((id, value));
        while moving.is_some() {
            if place == self.slots.len() {
                if self.slots.capacity() == place {
                    self.slots.reserve_exact(Self::SPILL);
                }
                self.slots.push(None);
            }
            if let Some(slot) = self.slots.get_mut(place) {
                mem::swap(slot, &mut moving);
            }
            place += 1;
        }
        self.len += 1;
    }

    pub(super) fn remove(&mut self, id: &GrantId) -> Option<V> {
        let place = self.place(id);
        let slot = self.slots.get_mut(place)?;
        let (_, value) = slot.take_if(|(found, _)| found == id)?;
        self.len -= 1;
        // Fills the free slot: moves the entries after it back by one slot each. Stops before an
        // entry that is in its home slot, and before a free slot.
        let behind = self.slots.iter().enumerate().skip(place + 1);
        let away =
            behind.take_while(|(at, slot)| slot.as_ref().is_some_and(|(other, _)| self.home(other) < *at));
        let last = place + away.count();
        if let Some(slots) = self.slots.get_mut(place..=last) {
            slots.rotate_left(1);
        }
        Some(value)
    }

    /// Shrinks the table if it is nearly empty: if the present entries and `spare` more entries
    /// would together fill less than a quarter of the home slots.
    pub(super) fn shrink(&mut self, spare: usize) {
        if self.homes / 4 > self.len + spare {
            self.rebuild(self.len * 2);
        }
    }

    /// Returns the index of the slot that holds the id. If the map does not hold the id, returns
    /// the index of the slot where an insertion would put it.
    fn place(&self, id: &GrantId) -> usize {
        let home = self.home(id);
        let behind = self.slots.get(home..).unwrap_or_default().iter().map_while(Option::as_ref);
        let before = behind.take_while(|(other, _)| match first_bytes(other).cmp(&first_bytes(id)) {
            Ordering::Less => true,
            Ordering::Equal => other != id,
            Ordering::Greater => false,
        });
        home + before.count()
    }

    /// Returns the index of the id's home slot: the first bytes of the id, scaled to the number of
    /// home slots. If one id is greater than a second id, then its home slot is the same or a later
    /// one.
    fn home(&self, id: &GrantId) -> usize {
        let home = (u128::from(first_bytes(id)) * self.homes as u128) >> 64;
        usize::try_from(home).unwrap_or_default()
    }

    fn rebuild(&mut self, homes: usize) {
        self.homes = homes.max(Self::MIN_HOMES);
        let old = mem::replace(&mut self.slots, Vec::with_capacity(self.homes + Self::SPILL));
        for (id, value) in old.into_iter().flatten() {
            let place = self.home(&id).max(self.slots.len());
            self.slots.resize_with(place, || None);
            self.slots.push(Some((id, value)));
        }
        self.slots.resize_with(self.slots.len().max(self.homes), || None);
    }
}

fn first_bytes(id: &GrantId) -> u64 {
    id.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

impl<V> Default for GrantMap<V> {
    fn default() -> Self {
        Self { slots: Vec::new(), homes: 0, len: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Returns an id for a test. If `spread` is true, then the ids are evenly distributed.
    /// Otherwise all ids have the last home slot.
    fn id(number: u8, spread: bool) -> GrantId {
        if spread {
            GrantId::of(&[number])
        } else {
            GrantId::from_bytes([&[0xff; 31], &[number][..]].concat().try_into().unwrap())
        }
    }

    fn check(map: &GrantMap<u16>, model: &BTreeMap<GrantId, u16>) {
        assert!(map.iter().is_sorted_by_key(|(id, _)| first_bytes(id)));
        let mut held: Vec<_> = map.iter().copied().collect();
        held.sort_unstable();
        let expected: Vec<_> = model.iter().map(|(id, value)| (*id, *value)).collect();
        assert_eq!((held, map.len()), (expected, model.len()));
        for (at, slot) in map.slots.iter().enumerate() {
            let Some((id, _)) = slot else { continue };
            assert!(map.slots[map.home(id)..=at].iter().all(Option::is_some));
        }
    }

    proptest! {
        #[test]
        fn it_is_a_map(
            spread: bool,
            steps in prop::collection::vec((0_u8..4, 0_u8..60, any::<u16>()), 0..200),
        ) {
            let (mut map, mut model) = (GrantMap::default(), BTreeMap::new());
            for (step, number, value) in steps {
                let id = id(number, spread);
                match step {
                    0 => prop_assert_eq!(map.remove(&id), model.remove(&id)),
                    1 if number < 8 => map.shrink(0),
                    _ => {
                        map.insert(id, value);
                        model.insert(id, value);
                    }
                }
                prop_assert_eq!(map.get(&id), model.get(&id));
                check(&map, &model);
            }
        }
    }
}
