//! What an IP address can reach, by the IANA special-purpose registries (RFC 6890).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The public internet.
    Global,
    /// An inner network: RFC 1918, shared (RFC 6598), unique local, benchmarking, site-local.
    Private,
    /// This machine.
    Loopback,
    /// This link; clouds keep their metadata services here.
    LinkLocal,
    /// Nothing that a client may speak to: unspecified, multicast, broadcast, documentation, reserved.
    Unusable,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reach::Global => "a public address",
            Reach::Private => "a private address",
            Reach::Loopback => "a loopback address",
            Reach::LinkLocal => "a link-local address",
            Reach::Unusable => "an address that is no server's",
        })
    }
}

/// Classifies an address. One that wraps an IPv4 address (mapped, compatible, 6to4, NAT64) reaches what that reaches.
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [0, ..] => Reach::Unusable,
        [10, ..] => Reach::Private,
        [100, second, ..] if second & 0xc0 == 64 => Reach::Private,
        [127, ..] => Reach::Loopback,
        [169, 254, ..] => Reach::LinkLocal,
        [172, second, ..] if second & 0xf0 == 16 => Reach::Private,
        // Anycast services inside the block of protocol assignments (RFC 7723, RFC 8155).
        [192, 0, 0, 9 | 10] => Reach::Global,
        [192, 0, 0, _] => Reach::Unusable,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Unusable,
        [192, 88, 99, _] => Reach::Unusable,
        [192, 168, ..] => Reach::Private,
        // Benchmarking (RFC 2544), in practice the inner addresses of local proxies.
        [198, 18 | 19, ..] => Reach::Private,
        [224..=255, ..] => Reach::Unusable,
        _ => Reach::Global,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if address.is_loopback() {
        return Reach::Loopback;
    }
    if address.is_unspecified() {
        return Reach::Unusable;
    }
    if let Some(wrapped) = wrapped_v4(address) {
        return reach_v4(wrapped);
    }
    match address.segments() {
        // NAT64 within one network (RFC 8215).
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        [first, ..] if first & 0xfe00 == 0xfc00 => Reach::Private,
        [first, ..] if first & 0xffc0 == 0xfe80 => Reach::LinkLocal,
        [first, ..] if first & 0xffc0 == 0xfec0 => Reach::Private,
        // Within the protocol assignments 2001::/23, only these are globally reachable.
        [0x2001, 1, 0, 0, 0, 0, 0, 1..=3] => Reach::Global,
        [0x2001, 3, ..] | [0x2001, 4, 0x112, ..] => Reach::Global,
        [0x2001, second, ..] if matches!(second & 0xfff0, 0x20 | 0x30) => Reach::Global,
        [0x2001, second, ..] if second < 0x200 => Reach::Unusable,
        [0x2001, 0xdb8, ..] => Reach::Unusable,
        [0x3fff, second, ..] if second < 0x1000 => Reach::Unusable,
        [first, ..] if first & 0xe000 == 0x2000 => Reach::Global,
        _ => Reach::Unusable,
    }
}

/// The IPv4 address that packets to `address` end up at, if it wraps one.
fn wrapped_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => (high, low),
        [0, 0, 0, 0, 0, 0, high, low] => (high, low),
        // IPv4-translated (RFC 2765) and NAT64 (RFC 6052).
        [0, 0, 0, 0, 0xffff, 0, high, low] => (high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_of_the_registries() {
        use Reach::*;
        let cases = [
            ("1.1.1.1", Global),
            ("0.0.0.0", Unusable),
            ("0.1.2.3", Unusable),
            ("10.0.0.1", Private),
            ("100.63.255.255", Global),
            ("100.64.0.1", Private),
            ("100.127.255.255", Private),
            ("100.128.0.0", Global),
            ("127.0.0.1", Loopback),
            ("127.255.255.254", Loopback),
            ("169.254.169.254", LinkLocal),
            ("172.15.255.255", Global),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("172.32.0.0", Global),
            ("192.0.0.1", Unusable),
            ("192.0.0.9", Global),
            ("192.0.2.1", Unusable),
            ("192.88.99.1", Unusable),
            ("192.168.1.1", Private),
            ("198.18.0.1", Private),
            ("198.20.0.1", Global),
            ("198.51.100.7", Unusable),
            ("203.0.113.7", Unusable),
            ("223.255.255.255", Global),
            ("224.0.0.1", Unusable),
            ("240.0.0.1", Unusable),
            ("255.255.255.255", Unusable),
            ("::", Unusable),
            ("::1", Loopback),
            ("::7f00:1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:169.254.169.254", LinkLocal),
            ("::ffff:8.8.8.8", Global),
            ("::ffff:0:10.0.0.1", Private),
            ("64:ff9b::a9fe:a9fe", LinkLocal),
            ("64:ff9b::808:808", Global),
            ("64:ff9b:1::1", Private),
            ("100::1", Unusable),
            ("2001::1", Unusable),
            ("2001:1::1", Global),
            ("2001:1::4", Unusable),
            ("2001:3::1", Global),
            ("2001:4:112::1", Global),
            ("2001:20::1", Global),
            ("2001:10::1", Unusable),
            ("2001:200::1", Global),
            ("2001:db8::1", Unusable),
            ("2002:a9fe:a9fe::1", LinkLocal),
            ("2002:808:808::1", Global),
            ("2606:4700::1111", Global),
            ("3fff::1", Unusable),
            ("3fff:1000::1", Global),
            ("4000::1", Unusable),
            ("5f00::1", Unusable),
            ("fc00::1", Private),
            ("fd12::1", Private),
            ("fe80::1", LinkLocal),
            ("fec0::1", Private),
            ("ff02::1", Unusable),
        ];
        for (text, expected) in cases {
            assert_eq!(reach(text.parse().unwrap()), expected, "{text}");
        }
    }
}
