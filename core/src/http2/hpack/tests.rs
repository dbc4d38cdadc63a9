/// The bytes that `digits` write, white space left out.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|byte| byte[0] << 4 | byte[1]).collect()
}
