use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

proptest! {
    /// The table of numbers against the standard library's map.
    #[test]
    fn id_table_is_a_map(seed: u64, ops in proptest::collection::vec((0..40u32, any::<Option<u32>>()), 0..300)) {
        let mut table = IdTable::new(seed);
        let mut model = BTreeMap::new();
        for (n, op) in ops {
            let id = StreamId::from_wire((2 * n + 1).to_be_bytes());
            match op {
                Some(slot) => {
                    table.insert(id, slot);
                    model.insert(id, slot);
                }
                None => {
                    table.remove(id);
                    model.remove(&id);
                    if n % 8 == 0 {
                        table.shrink();
                    }
                }
            }
            prop_assert_eq!(table.len, model.len());
            for n in 0..40u32 {
                let id = StreamId::from_wire((2 * n + 1).to_be_bytes());
                prop_assert_eq!(table.get(id), model.get(&id).copied());
            }
        }
    }

    /// The queues against deques: order of arrival, one queue of a lane at a time, gone with the stream.
    #[test]
    fn queues_are_queues(ops in proptest::collection::vec((0..8usize, 0..7u8), 0..200)) {
        const QUEUES: [Queue; 4] = [Queue::Heads, Queue::Data, Queue::Dribble, Queue::Updates];
        let mut store = Store::new(0);
        let mut keys: Vec<_> = (0..8).map(|_| store.insert()).collect();
        let mut model: [Vec<StreamKey>; 4] = Default::default();
        for (n, op) in ops {
            match op {
                0..4 => {
                    let queue = QUEUES[op as usize];
                    if !model[op as usize].contains(&keys[n]) {
                        for (other, of) in model.iter_mut().zip(QUEUES) {
                            if of.lane() == queue.lane() {
                                other.retain(|&key| key != keys[n]);
                            }
                        }
                        model[op as usize].push(keys[n]);
                    }
                    store.push(queue, keys[n]);
                }
                4 => {
                    let queue = n % 4;
                    let expected = (!model[queue].is_empty()).then(|| model[queue].remove(0));
                    prop_assert_eq!(store.pop(QUEUES[queue]), expected);
                }
                5 => {
                    store.leave(Queue::Heads, keys[n]);
                    model[..3].iter_mut().for_each(|queue| queue.retain(|&key| key != keys[n]));
                }
                _ => {
                    store.remove(keys[n]);
                    model.iter_mut().for_each(|queue| queue.retain(|&key| key != keys[n]));
                    let stale = keys[n];
                    keys[n] = store.insert();
                    prop_assert!(store.get(stale).is_none());
                    store.push(Queue::Data, stale);
                }
            }
            for (queue, model) in QUEUES.into_iter().zip(&model) {
                prop_assert_eq!(store.first(queue), model.first().copied());
                prop_assert_eq!(store.is_queue_empty(queue), model.is_empty());
            }
        }
    }
}
