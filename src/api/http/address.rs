//! The client's address behind proxies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::location::trim;

/// Better Auth's `getIPFromHeader`: the one address in the header or, with trusted proxies, the last one
/// that is not theirs; normalized, an IPv6 address to its network. `None` where none can be trusted.
pub(super) fn resolve(header: &str, ipv6_subnet: u8, trusted_proxies: &[Network]) -> Option<String> {
    let mut hops = header.split(',').map(bare).filter(|hop| !hop.is_empty());
    if trusted_proxies.is_empty() {
        let only = hops.next().filter(|hop| parse(hop).is_some())?;
        return hops.next().is_none().then(|| normalize(only, ipv6_subnet));
    }
    for hop in hops.rev() {
        let address = parse(hop)?;
        if !trusted_proxies.iter().any(|network| network.contains(address)) {
            return Some(normalize(hop, ipv6_subnet));
        }
    }
    None
}

/// The address in what a proxy writes of a client: without a port, brackets, quotes and the name of a link.
/// (Better Auth knows none of these, and takes all such clients for one.)
fn bare(hop: &str) -> &str {
    let hop = trim(hop);
    let hop = hop.strip_prefix('"').and_then(|hop| hop.strip_suffix('"')).map_or(hop, trim);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let address = match hop.strip_prefix('[').and_then(|hop| hop.split_once(']')) {
        Some((address, rest)) if rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port) => address,
        Some(_) => return hop,
        None => match hop.split_once(':') {
            Some((address, port)) if is_ipv4(address) && is_port(port) => address,
            _ => hop,
        },
    };
    match address.split_once('%') {
        Some((address, _)) if address.contains(':') => address,
        _ => address,
    }
}

/// A range of addresses.
#[derive(Debug, PartialEq)]
pub(super) struct Network {
    address: IpAddr,
    /// How many leading bits count; no more than the address has.
    prefix: u32,
}

impl Network {
    /// Better Auth's `parseCIDR`: an address alone is a network of one.
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.rsplit_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = parse(bare(address))?;
        let bits = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        let prefix = match prefix {
            // `parse` alone would take a `+`.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => bits,
        };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// Better Auth's `matchesCIDR`.
    fn contains(&self, address: IpAddr) -> bool {
        // Shifting all bits out is no shift: nothing counts, so nothing differs.
        match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                let different = mine.to_bits() ^ other.to_bits();
                different.checked_shr(Ipv4Addr::BITS - self.prefix).is_none_or(|bits| bits == 0)
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                let different = mine.to_bits() ^ other.to_bits();
                different.checked_shr(Ipv6Addr::BITS - self.prefix).is_none_or(|bits| bits == 0)
            }
            _ => false,
        }
    }
}

/// The networks of a comma-separated list; what is no network is left out, as Better Auth does with its
/// `trustedProxies`.
pub(super) fn networks(list: &str) -> Vec<Network> {
    list.split(',').filter_map(|entry| Network::parse(trim(entry))).collect()
}

/// Better Auth's `isIPv4`, zod's `z.ipv4()`.
pub(super) fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

/// Better Auth's `ipToBytes`: an IPv4 address in an IPv6 one counts as IPv4.
pub(super) fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.into());
    }
    text.parse::<Ipv6Addr>().ok()?;
    if let Some(mapped) = mapped_ipv4(text) {
        let mut octets = mapped.split('.').map(|octet| octet.parse().unwrap_or(0));
        return Some(std::array::from_fn::<u8, 4, _>(|_| octets.next().unwrap_or(0)).into());
    }
    let groups = expand(text);
    let group = |index| groups.get(index).and_then(|group: &String| leading_hex(group)).unwrap_or(0);
    Some(std::array::from_fn::<u16, 8, _>(group).into())
}

/// Better Auth's `normalizeIP`, for what is an address.
fn normalize(address: &str, ipv6_subnet: u8) -> String {
    if is_ipv4(address) {
        return address.to_owned();
    }
    mapped_ipv4(address).unwrap_or_else(|| normalize_ipv6(address, ipv6_subnet))
}

/// Better Auth's `normalizeIPv6`: all groups in full, those outside the subnet zero.
fn normalize_ipv6(address: &str, subnet: u8) -> String {
    let mut bits = u32::from(subnet);
    let groups = expand(address).into_iter().map(|group| {
        let kept = bits.min(16);
        bits -= kept;
        match kept {
            0 => "0000".to_owned(),
            16 => group,
            _ => format!("{:04x}", leading_hex(&group).unwrap_or(0) & !(u16::MAX >> kept)),
        }
    });
    groups.collect::<Vec<_>>().join(":").to_ascii_lowercase()
}

/// Better Auth's `extractIPv4FromMapped`, which sees more in an address than there is: a dotted address
/// behind a sixth part `ffff` counts whatever stands before. It compares groups as they were written.
fn mapped_ipv4(address: &str) -> Option<String> {
    let lower = address.to_ascii_lowercase();
    if let Some(dotted) = lower.strip_prefix("::ffff:").filter(|rest| is_ipv4(rest)) {
        return Some(dotted.to_owned());
    }
    let parts: Vec<&str> = lower.split(':').collect();
    if let [_, _, _, _, _, "ffff", dotted] = parts[..]
        && is_ipv4(dotted)
    {
        return Some(dotted.to_owned());
    }
    let groups = expand(address);
    match groups.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["0000", "0000", "0000", "0000", "0000", "ffff", high, low] => {
            let octet = |group: &str, from| {
                let digits = group.get(from..from + 2).unwrap_or_default();
                // JavaScript writes what is no number as NaN, and Better Auth lower-cases that.
                leading_hex(digits).map_or("nan".to_owned(), |octet| octet.to_string())
            };
            Some([octet(high, 0), octet(high, 2), octet(low, 0), octet(low, 2)].join("."))
        }
        _ => None,
    }
}

/// Better Auth's `expandIPv6`: an address's groups in full. A dotted end stays one group.
fn expand(address: &str) -> Vec<String> {
    let groups = |side: &str| {
        side.split(':').filter(|group| !group.is_empty()).map(|group| format!("{group:0>4}")).collect()
    };
    let Some((left, right)) = address.split_once("::") else { return groups(address) };
    let (mut expanded, right): (Vec<String>, Vec<String>) = (groups(left), groups(right));
    expanded.resize(8usize.saturating_sub(right.len()), "0000".to_owned());
    expanded.extend(right);
    expanded
}

/// JavaScript's `parseInt(text, 16)`: the digits in front count.
fn leading_hex(text: &str) -> Option<u16> {
    let digits = text.split(|c: char| !c.is_ascii_hexdigit()).next()?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    //! The vectors are what Better Auth 1.7.25 answers under Node 20.

    use super::*;

    #[test]
    fn resolves_client() {
        let vectors: &[(&str, u8, &str, Option<&str>)] = &[
            ("1.2.3.4", 64, "", Some("1.2.3.4")),
            (" 1.2.3.4\t", 64, "", Some("1.2.3.4")),
            ("\u{feff}1.2.3.4\u{a0}", 64, "", Some("1.2.3.4")),
            ("\u{85}1.2.3.4", 64, "", None),
            ("", 64, "", None),
            (" , ", 64, "", None),
            ("1.2.3.4,", 64, "", Some("1.2.3.4")),
            ("1.2.3.4, 5.6.7.8", 64, "", None),
            ("unknown", 64, "", None),
            ("1.2.3.4:x", 64, "", None),
            ("1.2.3.4:", 64, "", None),
            ("1.2.3:80", 64, "", None),
            ("[1.2.3.4", 64, "", None),
            ("\"1.2.3.4", 64, "", None),
            ("01.2.3.4", 64, "", None),
            ("1.2.3", 64, "", None),
            ("256.1.1.1", 64, "", None),
            ("2001:DB8:1:2:3:4:5:6", 64, "", Some("2001:0db8:0001:0002:0000:0000:0000:0000")),
            ("2001:db8::1", 64, "", Some("2001:0db8:0000:0000:0000:0000:0000:0000")),
            ("2001:db8::1", 128, "", Some("2001:0db8:0000:0000:0000:0000:0000:0001")),
            ("2001:db8::1", 200, "", Some("2001:0db8:0000:0000:0000:0000:0000:0001")),
            ("2001:db8::1", 0, "", Some("0000:0000:0000:0000:0000:0000:0000:0000")),
            ("2001:db8:1:ffff::", 56, "", Some("2001:0db8:0001:ff00:0000:0000:0000:0000")),
            ("2001:db8:1:ffff::", 60, "", Some("2001:0db8:0001:fff0:0000:0000:0000:0000")),
            ("2001:db8:1:ffff::", 49, "", Some("2001:0db8:0001:8000:0000:0000:0000:0000")),
            ("ffff::", 1, "", Some("8000:0000:0000:0000:0000:0000:0000:0000")),
            ("::", 64, "", Some("0000:0000:0000:0000:0000:0000:0000:0000")),
            ("::1", 128, "", Some("0000:0000:0000:0000:0000:0000:0000:0001")),
            ("[::1]x", 64, "", None),
            ("[::1]:x", 64, "", None),
            ("[::1", 64, "", None),
            ("[]", 64, "", None),
            ("1.2.3.4%eth0", 64, "", None),
            ("1::2::3", 64, "", None),
            ("1:2:3:4:5:6:7::", 128, "", Some("0001:0002:0003:0004:0005:0006:0007:0000")),
            ("1:2:3:4:5:6:7:8:9", 64, "", None),
            ("12345::", 64, "", None),
            ("::ffff:192.0.2.1", 64, "", Some("192.0.2.1")),
            ("::FFFF:192.0.2.1", 64, "", Some("192.0.2.1")),
            ("::ffff:c000:201", 64, "", Some("192.0.2.1")),
            ("::FFFF:c000:201", 64, "", Some("0000:0000:0000:0000:0000:0000:0000:0000")),
            ("0:0:0:0:0:ffff:c000:0201", 64, "", Some("192.0.2.1")),
            ("0:0:0:0:0:ffff:192.0.2.1", 64, "", Some("192.0.2.1")),
            ("1:2:3:4:5:ffff:192.0.2.1", 64, "", Some("192.0.2.1")),
            ("64:ff9b::192.0.2.1", 64, "", Some("0064:ff9b:0000:0000:0000:0000:0000:0000")),
            ("64:ff9b::192.0.2.1", 128, "", Some("0064:ff9b:0000:0000:0000:0000:0000:192.0.2.1")),
            ("64:ff9b::192.0.2.1", 120, "", Some("0064:ff9b:0000:0000:0000:0000:0000:0100")),
            ("1:2:3:4:5:6:192.0.2.1", 64, "", Some("0001:0002:0003:0004:0000:0000:0000")),
            ("::ffff:0:10.3.0.1", 64, "", Some("0.0.16.nan")),
            ("::ffff:0:1.2.3.4", 64, "", Some("0.0.1.2")),
            ("5.6.7.8, 10.0.0.1", 64, "10.0.0.0/8", Some("5.6.7.8")),
            ("1.1.1.1, 5.6.7.8, 10.0.0.2, 10.0.0.1", 64, "10.0.0.0/8", Some("5.6.7.8")),
            ("5.6.7.8", 64, "10.0.0.0/8", Some("5.6.7.8")),
            ("10.0.0.1", 64, "10.0.0.0/8", None),
            ("5.6.7.8, unknown, 10.0.0.1", 64, "10.0.0.0/8", None),
            ("unknown, 5.6.7.8, 10.0.0.1", 64, "10.0.0.0/8", Some("5.6.7.8")),
            ("5.6.7.8, 10.0.0.1", 64, "10.0.0.1, 5.6.7.8", None),
            ("5.6.7.8, 10.0.0.1", 64, "10.0.0.2", Some("10.0.0.1")),
            ("5.6.7.8, 10.0.0.1", 64, "nonsense,10.0.0.0/33", None),
            ("5.6.7.8", 64, "nonsense,10.0.0.0/33", Some("5.6.7.8")),
            ("5.6.7.8, 10.0.0.1", 64, "0.0.0.0/0", None),
            ("2001:db8::1, 10.0.0.1", 64, "0.0.0.0/0", Some("2001:0db8:0000:0000:0000:0000:0000:0000")),
            ("5.6.7.8, ::1", 64, "::/0", Some("5.6.7.8")),
            ("5.6.7.8, ::ffff:10.0.0.1", 64, "10.0.0.0/8", Some("5.6.7.8")),
            ("5.6.7.8, 10.0.0.1", 64, "::ffff:10.0.0.0/8", Some("5.6.7.8")),
            ("5.6.7.8, 10.0.0.1", 64, "::ffff:10.0.0.0/104", None),
            ("5.6.7.8, 2001:db8:1::1", 64, "2001:db8::/32", Some("5.6.7.8")),
            ("5.6.7.8, 2001:db9::1", 64, "2001:db8::/32", Some("2001:0db9:0000:0000:0000:0000:0000:0000")),
            ("5.6.7.8, 2001:db9::1", 64, "2001:db8::/31", Some("5.6.7.8")),
            ("5.6.7.8, 10.0.0.129", 64, "10.0.0.128/25", Some("5.6.7.8")),
            ("5.6.7.8, 10.0.0.127", 64, "10.0.0.128/25", Some("10.0.0.127")),
        ];
        for &(header, subnet, proxies, expected) in vectors {
            assert_eq!(
                resolve(header, subnet, &networks(proxies)).as_deref(),
                expected,
                "{header:?} {subnet:?} {proxies:?}"
            );
        }
    }

    #[test]
    fn what_a_proxy_adds_to_an_address_is_passed_over() {
        let vectors: &[(&str, &str, Option<&str>)] = &[
            ("1.2.3.4:80", "", Some("1.2.3.4")),
            (" \"1.2.3.4:40002\" ", "", Some("1.2.3.4")),
            ("[1.2.3.4]:80", "", Some("1.2.3.4")),
            ("[::ffff:1.2.3.4]:80", "", Some("1.2.3.4")),
            ("[2001:db8::1]", "", Some("2001:0db8:0000:0000:0000:0000:0000:0000")),
            ("[2001:db8::1]:443", "", Some("2001:0db8:0000:0000:0000:0000:0000:0000")),
            ("\"[2001:db8::1]:443\"", "", Some("2001:0db8:0000:0000:0000:0000:0000:0000")),
            ("fe80::1%eth0", "", Some("fe80:0000:0000:0000:0000:0000:0000:0000")),
            ("[fe80::1%25eth0]:80", "", Some("fe80:0000:0000:0000:0000:0000:0000:0000")),
            ("203.0.113.2:40002, 10.0.0.6", "10.0.0.6", Some("203.0.113.2")),
            ("203.0.113.2:40002, 10.0.0.6:1", "10.0.0.0/8", Some("203.0.113.2")),
            ("203.0.113.2, 10.0.0.6", "10.0.0.6:443", Some("203.0.113.2")),
            ("203.0.113.2, , 10.0.0.6,", "10.0.0.6", Some("203.0.113.2")),
            ("[2001:db8::1]:443, [::1]:80", "[::1]", Some("2001:0db8:0000:0000:0000:0000:0000:0000")),
            ("203.0.113.2, [2001:db8::1]:443", "[2001:db8::]/32", Some("203.0.113.2")),
            ("203.0.113.2:x, 10.0.0.6", "10.0.0.6", None),
        ];
        for &(header, proxies, expected) in vectors {
            assert_eq!(
                resolve(header, 64, &networks(proxies)).as_deref(),
                expected,
                "{header:?} {proxies:?}"
            );
        }
    }

    #[test]
    fn networks_leave_out_what_is_none() {
        let list = "10.0.0.0/8,, 10.0.0.0/08 ,::1/128,10.0.0.1,10.0.0.0/+8,10.0.0.0/,10.0.0.0/ 8,10.0.0.0/33,\
                    10.0.0.0/4294967304,10.0.0.0/8/8,::/129,/8,localhost,::ffff:10.0.0.0/33";
        let network = |address: [u8; 4], prefix| Network { address: address.into(), prefix };
        let expected = vec![
            network([10, 0, 0, 0], 8),
            network([10, 0, 0, 0], 8),
            Network { address: Ipv6Addr::LOCALHOST.into(), prefix: 128 },
            network([10, 0, 0, 1], 32),
        ];
        assert_eq!(networks(list), expected);
    }
}
