//! The greeter: the smallest service there is.

/// The answer of `SayHello`.
pub fn hello(name: &str) -> String {
    format!("Hello, {name}!")
}

/// The answer of `SayHelloAgain`.
pub fn hello_again(name: &str) -> String {
    format!("Hello again, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_by_name() {
        assert_eq!(hello("you"), "Hello, you!");
        assert_eq!(hello_again("you"), "Hello again, you!");
        assert_eq!(hello(""), "Hello, !");
    }
}
