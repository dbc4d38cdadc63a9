use unwired_core::grpc::Batch;

/// What a call keeps of what it has sent, bytes; with more it is bound to one attempt. As gRPC's C++ has it; but what it sends
/// first is kept whatever its length: it is there anyway until it has left, and a call with one long message would fail
/// whenever it meets a server that goes away.
const MAX_KEPT: usize = 256 << 10;
/// What a kept batch costs beside its bytes.
const BATCH_COST: usize = 64;

/// What a call has sent, for as long as it may have to be sent again.
#[derive(Default)]
pub(super) struct Kept {
    batches: Vec<Batch>,
    bytes: usize,
}

impl Kept {
    pub(super) fn keep(&mut self, batch: Batch) {
        self.bytes += cost(&batch);
        self.batches.push(batch);
    }

    /// Whether there is room for `batch`.
    pub(super) fn fits(&self, batch: &Batch) -> bool {
        self.batches.is_empty() || self.bytes + cost(batch) <= MAX_KEPT
    }

    /// Whether it is more than is kept.
    pub(super) const fn is_over(&self) -> bool {
        self.batches.len() > 1 && self.bytes > MAX_KEPT
    }

    pub(super) fn get(&self, place: usize) -> Option<Batch> {
        self.batches.get(place).cloned()
    }

    pub(super) const fn len(&self) -> usize {
        self.batches.len()
    }
}

fn cost(batch: &Batch) -> usize {
    batch.len() + BATCH_COST
}
