//! The store as a service.

use futures_util::stream;
use unwired::{Request, Response, Status, Stream};
use unwired_proto::inventory::inventory_server::Inventory;
use unwired_proto::inventory::{
    self as wire, AddItemResponse, Filter, GetItemRequest, HelloReply, HelloRequest,
};

use super::{Item, Refusal, Store};

/// Greets, and keeps what its callers bring.
#[derive(Debug, Default)]
pub struct Shop {
    store: Store,
}

impl Shop {
    /// A shop over this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Inventory for Shop {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let name = request.into_inner().name;
        let message = match self.store.len() {
            0 => format!("Hello, {name}! The store is empty."),
            1 => format!("Hello, {name}! There is 1 item in the store."),
            items => format!("Hello, {name}! There are {items} items in the store."),
        };
        Ok(Response::new(HelloReply { message }))
    }

    async fn add_item(&self, request: Request<wire::Item>) -> Result<Response<AddItemResponse>, Status> {
        let items = self.store.add(request.into_inner().into())?;
        Ok(Response::new(AddItemResponse { items: items as u64 }))
    }

    async fn get_item(&self, request: Request<GetItemRequest>) -> Result<Response<wire::Item>, Status> {
        let item = self.store.get(&request.get_ref().name)?;
        Ok(Response::new(item.into()))
    }

    async fn list_items(
        &self,
        request: Request<Filter>,
    ) -> Result<Response<impl Stream<Item = Result<wire::Item, Status>> + Send>, Status> {
        let items = self.store.list(request.into_inner().name_prefix);
        Ok(Response::new(stream::iter(items.map(|item| Ok(item.into())))))
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NoName | Refusal::LongName(_) => Self::invalid_argument(message),
            Refusal::Duplicate(_) => Self::already_exists(message),
            Refusal::Unknown(_) => Self::not_found(message),
            Refusal::Full(_) => Self::resource_exhausted(message),
        }
    }
}

impl From<wire::Item> for Item {
    fn from(item: wire::Item) -> Self {
        Self { name: item.name, quantity: item.quantity }
    }
}

impl From<Item> for wire::Item {
    fn from(item: Item) -> Self {
        Self { name: item.name, quantity: item.quantity }
    }
}
