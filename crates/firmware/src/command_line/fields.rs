//! Fields between colons; an IPv6 address stands in brackets.

/// The fields (the loop at the head of `ip_to_var` in dracut's net-lib.sh), without
/// brackets. At least one, which may be empty.
pub(super) fn fields(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let bracketed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        if let Some((inside, after)) = bracketed
            && (after.is_empty() || after.starts_with(':'))
        {
            found.push(inside);
            match after.strip_prefix(':') {
                Some(after) => rest = after,
                None => return found,
            }
            continue;
        }
        match rest.split_once(':') {
            Some((field, after)) => {
                found.push(field);
                rest = after;
            }
            None => {
                found.push(rest);
                return found;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ip_to_var` and `route_to_var` in dracut's net-lib.sh.
    #[test]
    fn brackets_hold_colons() {
        assert_eq!(fields(""), [""]);
        assert_eq!(fields("a::b"), ["a", "", "b"]);
        assert_eq!(
            fields("[2001:db8::1]::[fe80::1]:64"),
            ["2001:db8::1", "", "fe80::1", "64"]
        );
        assert_eq!(
            fields("[2001:db8:3::/48]:[2001:db8:2::1]:ens10"),
            ["2001:db8:3::/48", "2001:db8:2::1", "ens10"]
        );
        // Not closed, or not a whole field: as it stands.
        assert_eq!(fields("[a:b"), ["[a", "b"]);
        assert_eq!(fields("[a]b:c"), ["[a]b", "c"]);
    }
}
