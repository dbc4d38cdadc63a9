use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Slice(Vec<u8>),
    Shared(usize, u8),
    Advance(usize),
    Move,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Step::Slice),
        (0..3000usize, any::<u8>()).prop_map(|(n, b)| Step::Shared(n, b)),
        (0..4000usize).prop_map(Step::Advance),
        Just(Step::Move),
    ]
}

fn gathered(outbox: &Outbox) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 256];
    let n = outbox.chunks_vectored(&mut slices);
    slices[..n].iter().flat_map(|slice| slice.to_vec()).collect()
}

proptest! {
    /// Whatever is put, sent and moved: what waits is what was put, less what was sent, in order.
    /// Threats: G10.
    #[test]
    fn is_a_queue_of_bytes(steps in proptest::collection::vec(step(), 0..60)) {
        let mut outbox = Outbox::new();
        let mut model: Vec<u8> = Vec::new();
        for step in steps {
            match step {
                Step::Slice(bytes) => {
                    outbox.put_slice(&bytes);
                    model.extend(&bytes);
                }
                Step::Shared(n, byte) => {
                    outbox.put_bytes(Bytes::from(vec![byte; n]));
                    model.extend(std::iter::repeat_n(byte, n));
                }
                Step::Advance(n) => {
                    let n = n.min(outbox.len());
                    outbox.advance(n);
                    model.drain(..n);
                }
                Step::Move => {
                    let mut rest = Outbox::new();
                    outbox.move_to(&mut rest);
                    prop_assert!(outbox.is_empty());
                    outbox = rest;
                }
            }
            prop_assert_eq!(outbox.len(), model.len());
            prop_assert_eq!(outbox.chunk().is_empty(), model.is_empty());
            prop_assert_eq!(&gathered(&outbox), &model);
        }
        let mut all = vec![0; outbox.len()];
        outbox.copy_to_slice(&mut all);
        prop_assert_eq!(all, model);
    }
}
