//! A caller who brings things to the store and looks for others.

use unwired::{Channel, Code, Status};
use unwired_proto::inventory::inventory_client::InventoryClient;
use unwired_proto::inventory::{Filter, GetItemRequest, HelloRequest, Item};

/// Calls all four methods and prints what they answer. An item that is there already, or is not there at all, is an answer as well.
///
/// # Errors
/// The status of the first call that failed otherwise.
pub async fn trade(channel: Channel, name: &str) -> Result<(), Status> {
    let client = InventoryClient::new(channel);
    let reply = client.say_hello(HelloRequest { name: name.to_owned() }).await?.into_inner();
    println!("{}", reply.message);

    for (name, quantity) in [("pear", 3), ("apple", 7), ("pear", 1)] {
        match client.add_item(Item { name: name.to_owned(), quantity }).await {
            Ok(response) => println!("added {quantity} x {name}: {} in store", response.into_inner().items),
            Err(status) if status.code() == Code::AlreadyExists => {
                println!("not added: {}", status.message())
            }
            Err(status) => return Err(status),
        }
    }

    for name in ["apple", "plum"] {
        match client.get_item(GetItemRequest { name: name.to_owned() }).await {
            Ok(response) => println!("found {}", describe(response.get_ref())),
            Err(status) if status.code() == Code::NotFound => println!("not found: {}", status.message()),
            Err(status) => return Err(status),
        }
    }

    let mut items = client.list_items(Filter::default()).await?.into_inner();
    while let Some(item) = items.message().await? {
        println!("in store: {}", describe(&item));
    }
    Ok(())
}

fn describe(item: &Item) -> String {
    format!("{} x {}", item.quantity, item.name)
}
