//! From which addresses a reverse proxy may say who somebody is.

use pulse_settings::Layers;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of proxies whose headers are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    /// Its first address, as a number.
    first: u128,
    /// Its last one.
    last: u128,
    is_v4: bool,
}

impl TrustedProxies {
    /// The addresses that a text names, or why it names none that could be meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let networks = items.map(Network::parse).collect::<Result<Vec<_>, _>>()?;
        if networks.is_empty() {
            return Err("it names no address; leave the setting out where no proxy says who people are".to_owned());
        }
        if covers_all(&networks, true) || covers_all(&networks, false) {
            return Err("it covers every address, so that anybody could say to be anybody; name the proxy's own".to_owned());
        }
        Ok(Self(networks))
    }

    /// Whether a proxy at this address is believed.
    pub fn contain(&self, address: IpAddr) -> bool {
        let (number, is_v4) = number(address.to_canonical());
        self.0.iter().any(|network| network.is_v4 == is_v4 && (network.first..=network.last).contains(&number))
    }

    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Option<Self> {
        let given = layers.get("PULSE_TRUSTED_PROXIES")?;
        Self::parse(&given.text).map_err(|error| errors.push(format!("{}: {error}", given.place))).ok()
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address and no network; write, for example, 10.0.0.7 or 10.0.0.0/24");
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (number, is_v4) = number(address);
        let bits = if is_v4 { 32 } else { 128 };
        let length = length.unwrap_or(bits);
        if length > bits {
            return Err(wrong());
        }
        // All bits but the first `length`.
        let rest = space(is_v4).checked_shr(length).unwrap_or(0);
        Ok(Self { first: number & !rest, last: number | rest, is_v4 })
    }
}

/// The last address of a family.
fn space(is_v4: bool) -> u128 {
    if is_v4 { u128::from(u32::MAX) } else { u128::MAX }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(Ipv4Addr::to_bits(address)), true),
        IpAddr::V6(address) => (Ipv6Addr::to_bits(address), false),
    }
}

/// Whether networks leave no address of a family out, however they are cut.
fn covers_all(networks: &[Network], is_v4: bool) -> bool {
    let mut parts: Vec<_> = networks.iter().filter(|network| network.is_v4 == is_v4).collect();
    parts.sort_by_key(|network| network.first);
    let mut next = 0_u128;
    for part in parts {
        if part.first > next {
            return false;
        }
        match part.last.checked_add(1) {
            Some(after) if part.last < space(is_v4) => next = next.max(after),
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::TrustedProxies;

    #[test]
    fn what_covers_everything_or_nothing_is_refused() {
        for text in
            ["", " , ", "*", "0.0.0.0/0", "::/0", "10.0.0.1, ::/0", "0.0.0.0/1,128.0.0.0/1", "10.0.0.0/33", "10.0.0/8", "a"]
        {
            assert!(TrustedProxies::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_judged_by_its_network() {
        let proxies = TrustedProxies::parse("10.1.2.3/24, fd00::7, 127.0.0.1").unwrap();
        let contain = |text: &str| proxies.contain(text.parse().unwrap());
        assert!(contain("10.1.2.255") && contain("fd00::7") && contain("127.0.0.1") && contain("::ffff:10.1.2.9"));
        assert!(!contain("10.1.3.0") && !contain("fd00::8") && !contain("127.0.0.2") && !contain("::1"));
    }
}
