//! The connections that this machine has at one of its ports, for a server that does not tell.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The states of a socket that waits for connections, and of an open connection, in the kernel's table.
const LISTENING: &str = "0A";
const ESTABLISHED: &str = "01";

/// The connections at a local port by the addresses of their clients, and whether they are open: those that have just
/// ended are there for a while. `None` where this cannot be seen, which is everywhere but on Linux.
pub(crate) fn connections_at(port: u16) -> Option<BTreeMap<String, bool>> {
    let tables: Vec<_> =
        ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    if tables.is_empty() {
        return None;
    }
    let mut connections = BTreeMap::new();
    for (client, open) in tables.iter().flat_map(|table| clients(table, port)) {
        *connections.entry(client).or_default() |= open;
    }
    Some(connections)
}

/// How a client of this address is called among the connections.
pub(crate) fn client(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.octets(),
        // Shortened as in the table: its four last bytes.
        IpAddr::V6(ip) => {
            let [.., a, b, c, d] = ip.octets();
            [a, b, c, d]
        }
    };
    // The kernel prints an address as the number that it is on this machine.
    format!("{:08X}:{:04X}", u32::from_ne_bytes(ip), address.port())
}

/// Both ends of a connection within this machine are in the table: either may be the last to be seen.
fn clients(table: &str, port: u16) -> impl Iterator<Item = (String, bool)> {
    let port = format!("{port:04X}");
    let is_at = move |address: &str| address.rsplit_once(':').is_some_and(|(_, at)| at == port);
    table.lines().skip(1).filter_map(move |line| {
        let mut columns = line.split_whitespace().skip(1);
        let (local, remote, state) = (columns.next()?, columns.next()?, columns.next()?);
        if state == LISTENING {
            return None;
        }
        let client = if is_at(local) {
            remote
        } else if is_at(remote) {
            local
        } else {
            return None;
        };
        // A server that listens on IPv6 as well has the others as mapped addresses, whose end is the address.
        let (address, port) = client.rsplit_once(':')?;
        let client = format!("{}:{port}", address.get(address.len().saturating_sub(8)..)?);
        Some((client, state == ESTABLISHED))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_is_found_by_its_client_for_as_long_as_it_is_remembered() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let client = client(stream.local_addr().unwrap());
        let Some(open) = connections_at(port) else { return };
        assert_eq!(open, [(client.clone(), true)].into());
        // Closed by the client first: it is the client that remembers it.
        drop(stream);
        let mut end = listener.accept().unwrap().0;
        assert_eq!(end.read(&mut [0]).unwrap(), 0);
        drop(end);
        assert_eq!(connections_at(port), Some([(client, false)].into()));
    }

    #[test]
    fn each_connection_counts_once_and_a_listener_does_not() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue\n\
            0: 0100007F:2510 00000000:0000 0A 0:0 0:0\n\
            1: 0100007F:2510 0100007F:C001 01 0:0 0:0\n\
            2: 0100007F:C001 0100007F:2510 01 0:0 0:0\n\
            3: 0100007F:C002 0100007F:2510 06 0:0 0:0\n\
            4: 0000000000000000FFFF00000100007F:2510 0000000000000000FFFF00000100007F:C001 01 0:0 0:0\n\
            5: 0100007F:2511 0100007F:C003 01 0:0 0:0\n";
        let found: BTreeMap<_, _> = clients(table, 0x2510).collect();
        assert_eq!(found, [("0100007F:C001".to_owned(), true), ("0100007F:C002".to_owned(), false)].into());
    }
}
