use std::mem;

use super::row::{Key, Row};

/// A value that is its own entry of a [`GrantMap`].
pub(super) trait Keyed {
    fn key(&self) -> Key;
}

impl Keyed for Row {
    fn key(&self) -> Key {
        self.key
    }
}

/// A map from the keys of grants to their rows. A look-up usually costs only one miss of the
/// processor's cache.
///
/// The rows are sorted by their keys, with free slots between them. Keys are random digests, so the
/// first bits predict the slot of a row, with an error of a few slots. The hash table of the
/// standard library is not used, because its look-up reads control bytes first and the entry
/// second. With a million entries, both reads are cache misses. `benches/README.md` compares the
/// two, and other maps.
pub(super) struct GrantMap<R = Row> {
    /// Each key has a home slot, which its bits select: see [`home`](Self::home). The first `homes`
    /// slots of this list are the home slots. A row is in the home slot of its key, or in a later
    /// slot. All slots from the home slot up to the row are occupied. After the home slots, the
    /// list has slots for rows that found no room in the last home slots.
    slots: Vec<Option<R>>,
    homes: usize,
    len: usize,
}

impl<R: Keyed> GrantMap<R> {
    const MIN_HOMES: usize = 8;
    /// Number of slots behind the home slots for which memory is allocated at once.
    const SPILL: usize = 16;

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, key: Key) -> Option<&R> {
        self.slots.get(self.place(key))?.as_ref().filter(|row| row.key() == key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &R> {
        self.slots.iter().flatten()
    }

    /// Inserts a row. Replaces a row with the same key.
    pub(super) fn insert(&mut self, row: R) {
        self.remove(row.key());
        // The fuller the table is, the further rows are from their home slots, and the slower
        // look-ups are. So the table grows when it has four rows for each five home slots.
        if self.len * 5 >= self.homes * 4 {
            self.rebuild(self.homes + self.homes / 4);
        }
        // Puts the new row into its slot. Moves the rows that are between this slot and the next
        // free slot by one slot each.
        let mut place = self.place(row.key());
        let mut moving = Some(row);
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

    pub(super) fn remove(&mut self, key: Key) -> Option<R> {
        let place = self.place(key);
        let row = self.slots.get_mut(place)?.take_if(|row| row.key() == key)?;
        self.len -= 1;
        // Fills the free slot: moves the rows after it back by one slot each. Stops before a row
        // that is in its home slot, and before a free slot.
        let behind = self.slots.iter().enumerate().skip(place + 1);
        let away =
            behind.take_while(|(at, slot)| slot.as_ref().is_some_and(|other| self.home(other.key()) < *at));
        let last = place + away.count();
        if let Some(slots) = self.slots.get_mut(place..=last) {
            slots.rotate_left(1);
        }
        Some(row)
    }

    /// Shrinks the table if it is nearly empty: if the present rows and `spare` more rows would
    /// together fill less than a quarter of the home slots.
    pub(super) fn shrink(&mut self, spare: usize) {
        if self.homes / 4 > self.len + spare {
            self.rebuild(self.len * 2);
        }
    }

    /// Returns the index of the slot that holds the key. If the map does not hold the key, returns
    /// the index of the slot where an insertion would put it.
    fn place(&self, key: Key) -> usize {
        let home = self.home(key);
        let behind = self.slots.get(home..).unwrap_or_default().iter().map_while(Option::as_ref);
        home + behind.take_while(|other| other.key() < key).count()
    }

    /// Returns the index of the key's home slot: bits of the key, scaled to the number of home
    /// slots. If one key is greater than a second key of the same shard, then its home slot is the
    /// same or a later one.
    fn home(&self, key: Key) -> usize {
        let home = (u128::from(key.within_shard()) * self.homes as u128) >> 64;
        usize::try_from(home).unwrap_or_default()
    }

    fn rebuild(&mut self, homes: usize) {
        self.homes = homes.max(Self::MIN_HOMES);
        let old = mem::replace(&mut self.slots, Vec::with_capacity(self.homes + Self::SPILL));
        for row in old.into_iter().flatten() {
            let place = self.home(row.key()).max(self.slots.len());
            self.slots.resize_with(place, || None);
            self.slots.push(Some(row));
        }
        self.slots.resize_with(self.slots.len().max(self.homes), || None);
    }
}

impl<R> Default for GrantMap<R> {
    fn default() -> Self {
        Self { slots: Vec::new(), homes: 0, len: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::token::GrantId;

    type Entry = (Key, u16);

    impl Keyed for Entry {
        fn key(&self) -> Key {
            self.0
        }
    }

    /// Returns a key of one shard for a test. If `spread` is true, then the keys are evenly
    /// distributed. Otherwise all keys have the last home slot.
    fn key(number: u8, spread: bool) -> Key {
        let mut bytes = [0xff; 32];
        if spread {
            bytes = *GrantId::of(&[number]).as_bytes();
            bytes[0] = 7;
        } else {
            bytes[15] = number;
        }
        Key::of(&GrantId::from_bytes(bytes))
    }

    fn check(map: &GrantMap<Entry>, model: &BTreeMap<Key, u16>) {
        let held: Vec<_> = map.iter().copied().collect();
        let expected: Vec<_> = model.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!((held, map.len()), (expected, model.len()));
        for (at, slot) in map.slots.iter().enumerate() {
            let Some((key, _)) = slot else { continue };
            assert!(map.slots[map.home(*key)..=at].iter().all(Option::is_some));
        }
    }

    proptest! {
        #[test]
        fn it_is_a_map(
            spread: bool,
            steps in prop::collection::vec((0_u8..4, 0_u8..60, any::<u16>()), 0..200),
        ) {
            let (mut map, mut model) = (GrantMap::<Entry>::default(), BTreeMap::new());
            for (step, number, value) in steps {
                let key = key(number, spread);
                match step {
                    0 => prop_assert_eq!(map.remove(key).map(|row| row.1), model.remove(&key)),
                    1 if number < 8 => map.shrink(0),
                    _ => {
                        map.insert((key, value));
                        model.insert(key, value);
                    }
                }
                prop_assert_eq!(map.get(key).map(|row| row.1), model.get(&key).copied());
                check(&map, &model);
            }
        }
    }
}
