use tokio_stream::StreamExt;
use unwired::{Channel, Code, Server, Status};
use unwired_examples::inventory::{Shop, Store, trade};
use unwired_proto::inventory::inventory_client::InventoryClient;
use unwired_proto::inventory::inventory_server::InventoryServer;
use unwired_proto::inventory::{Filter, GetItemRequest, HelloRequest, Item};

use super::{in_time, serving, told};

/// A channel to a store for `most` items.
async fn shop(most: usize) -> Channel {
    serving(Server::builder().add_service(InventoryServer::new(Shop::new(Store::new(most))))).await
}

fn item(name: &str, quantity: u32) -> Item {
    Item { name: name.to_owned(), quantity }
}

async fn add(client: &InventoryClient, name: &str) -> Result<u64, Status> {
    Ok(client.add_item(item(name, 1)).await?.into_inner().items)
}

async fn get(client: &InventoryClient, name: &str) -> Result<Item, Status> {
    Ok(client.get_item(GetItemRequest { name: name.to_owned() }).await?.into_inner())
}

async fn list(client: &InventoryClient, prefix: &str) -> Result<Vec<Item>, Status> {
    client.list_items(Filter { name_prefix: prefix.to_owned() }).await?.into_inner().collect().await
}

#[tokio::test]
async fn what_was_added_is_found_and_listed() {
    in_time(async {
        let client = InventoryClient::new(shop(10).await);
        assert_eq!(list(&client, "").await.unwrap(), []);
        for (name, items) in [("pear", 1), ("apple", 2), ("apricot", 3)] {
            assert_eq!(add(&client, name).await.unwrap(), items);
        }
        assert_eq!(get(&client, "pear").await.unwrap(), item("pear", 1));
        assert_eq!(list(&client, "").await.unwrap(), [item("apple", 1), item("apricot", 1), item("pear", 1)]);
        assert_eq!(list(&client, "ap").await.unwrap(), [item("apple", 1), item("apricot", 1)]);
        assert_eq!(list(&client, "x").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn every_refusal_has_its_code_and_says_why() {
    in_time(async {
        let client = InventoryClient::new(shop(1).await);
        add(&client, "pear").await.unwrap();
        for (refused, code, why) in [
            (add(&client, "pear").await.err(), Code::AlreadyExists, "there is an item \"pear\" already"),
            (add(&client, "plum").await.err(), Code::ResourceExhausted, "the store is full: it has 1 items"),
            (add(&client, "").await.err(), Code::InvalidArgument, "an item needs a name"),
            (get(&client, "").await.err(), Code::InvalidArgument, "an item needs a name"),
            (get(&client, "plum").await.err(), Code::NotFound, "there is no item \"plum\""),
        ] {
            assert_eq!(told(&refused.unwrap()), (code, why));
        }
        let status = add(&client, &"x".repeat(257)).await.unwrap_err();
        assert_eq!(
            told(&status),
            (Code::InvalidArgument, "a name of 257 bytes is too long: 256 is the most")
        );
        assert_eq!(list(&client, "").await.unwrap(), [item("pear", 1)]);
    })
    .await;
}

#[tokio::test]
async fn the_greeting_tells_what_is_there() {
    in_time(async {
        let client = InventoryClient::new(shop(10).await);
        for (name, message) in [
            ("a", "Hello, you! The store is empty."),
            ("b", "Hello, you! There is 1 item in the store."),
            ("c", "Hello, you! There are 2 items in the store."),
        ] {
            let reply = client.say_hello(HelloRequest { name: "you".to_owned() }).await.unwrap();
            assert_eq!(reply.into_inner().message, message);
            add(&client, name).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_long_list_comes_whole() {
    in_time(async {
        let client = InventoryClient::new(shop(2_000).await);
        let names: Vec<String> = (0..2_000).map(|n| format!("{n:0200}")).collect();
        for name in &names {
            add(&client, name).await.unwrap();
        }
        let listed = list(&client, "0").await.unwrap();
        assert_eq!(listed.into_iter().map(|item| item.name).collect::<Vec<_>>(), names);
    })
    .await;
}

#[tokio::test]
async fn the_program_may_call_a_store_again() {
    in_time(async {
        let channel = shop(10).await;
        trade(channel.clone(), "you").await.unwrap();
        trade(channel.clone(), "you").await.unwrap();
        assert_eq!(list(&InventoryClient::new(channel), "").await.unwrap().len(), 2);
    })
    .await;
}
