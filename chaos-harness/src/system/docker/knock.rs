//! A program that opens one TCP connection and ends: what a throw-away container runs to find out whether containers
//! reach this machine.
//!
//! It is written here in machine code because nothing else is certain to run in a container of an image that the user
//! chose: the image may have no shell and no tools, this test is linked to libraries that the image lacks, and an image of
//! our own may not be there and could not be pulled. The kernel runs this whatever the image holds.

use std::net::SocketAddrV4;

/// Where the program is put, in a container of its own.
pub(super) const PATH: &str = "/chaos-knock";

/// Where a program is loaded: a multiple of every page size in use.
const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;

/// `exit(-connect(socket(AF_INET, SOCK_STREAM, 0), address, 16))`, the address being right behind the code.
const X86_64: &[u8] = &[
    0xbf, 0x02, 0x00, 0x00, 0x00, // mov edi, 2 (AF_INET)
    0xbe, 0x01, 0x00, 0x00, 0x00, // mov esi, 1 (SOCK_STREAM)
    0x31, 0xd2, // xor edx, edx
    0xb8, 0x29, 0x00, 0x00, 0x00, // mov eax, 41 (socket)
    0x0f, 0x05, // syscall
    0x89, 0xc7, // mov edi, eax
    0x48, 0x8d, 0x35, 0x17, 0x00, 0x00, 0x00, // lea rsi, [rip + 23]
    0xba, 0x10, 0x00, 0x00, 0x00, // mov edx, 16
    0xb8, 0x2a, 0x00, 0x00, 0x00, // mov eax, 42 (connect)
    0x0f, 0x05, // syscall
    0xf7, 0xd8, // neg eax
    0x89, 0xc7, // mov edi, eax
    0xb8, 0x3c, 0x00, 0x00, 0x00, // mov eax, 60 (exit)
    0x0f, 0x05, // syscall
];

/// The same.
const AARCH64: &[u32] = &[
    0xd280_0040, // mov x0, 2 (AF_INET)
    0xd280_0021, // mov x1, 1 (SOCK_STREAM)
    0xd280_0002, // mov x2, 0
    0xd280_18c8, // mov x8, 198 (socket)
    0xd400_0001, // svc 0
    0x1000_00e1, // adr x1, . + 28
    0xd280_0202, // mov x2, 16
    0xd280_1968, // mov x8, 203 (connect)
    0xd400_0001, // svc 0
    0xcb00_03e0, // neg x0, x0
    0xd280_0ba8, // mov x8, 93 (exit)
    0xd400_0001, // svc 0
];

/// The program for a machine of this architecture, as the engine or `uname` calls it. Its exit status is the number of
/// the error, 0 when `address` accepted the connection.
pub(super) fn program(architecture: &str, address: SocketAddrV4) -> Option<Vec<u8>> {
    let (machine, code): (u16, Vec<u8>) = match architecture {
        "x86_64" | "amd64" => (62, X86_64.to_vec()),
        "aarch64" | "arm64" => (183, AARCH64.iter().flat_map(|word| word.to_le_bytes()).collect()),
        _ => return None,
    };
    // A `sockaddr_in`: the family as the machine has it, port and address as the network has them.
    let mut text = code;
    text.extend(2_u16.to_le_bytes());
    text.extend(address.port().to_be_bytes());
    text.extend(address.ip().octets());
    text.extend([0; 8]);
    let mut elf = headers(machine, HEADERS + text.len() as u64);
    elf.extend(text);
    Some(elf)
}

/// The headers of an executable that is loaded as one piece, in the 64-bit little-endian form of ELF.
fn headers(machine: u16, length: u64) -> Vec<u8> {
    let mut headers = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut half = |value: u16| headers.extend(value.to_le_bytes());
    half(2); // an executable
    half(machine);
    let mut word = |value: u32| headers.extend(value.to_le_bytes());
    word(1); // version
    for value in [BASE + HEADERS, 64, 0] {
        headers.extend(value.to_le_bytes()); // entry; program headers; no section headers
    }
    headers.extend(0_u32.to_le_bytes()); // flags
    // This header's size; size and number of program headers; the same of section headers; their names.
    for value in [64_u16, 56, 1, 0, 0, 0] {
        headers.extend(value.to_le_bytes());
    }
    headers.extend(1_u32.to_le_bytes()); // a segment to load
    headers.extend(5_u32.to_le_bytes()); // to be read and executed
    // Offset; address twice; size in the file and in memory; alignment.
    for value in [0, BASE, BASE, length, length, 0x1_0000] {
        headers.extend(value.to_le_bytes());
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    /// How the program ends here.
    fn knock_at(address: SocketAddr) -> Option<i32> {
        let SocketAddr::V4(address) = address else { panic!("{address} is not IPv4") };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("knock");
        fs::write(&path, program(std::env::consts::ARCH, address)?).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        // Through a shell: another test that is just starting a process may hold the file open for writing, and the
        // kernel runs no file that is. The shell waits for that to pass.
        let script = "until \"$0\"; s=$?; [ $s -ne 126 ]; do :; done; exit $s";
        Command::new("sh").args(["-c", script]).arg(&path).status().unwrap().code()
    }

    #[test]
    fn it_connects_where_something_listens_and_ends_with_the_error_where_nothing_does() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        // The program is for Linux, and written for two architectures.
        if !cfg!(target_os = "linux")
            || program(std::env::consts::ARCH, SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1)).is_none()
        {
            return;
        }
        let status = knock_at(address);
        assert_eq!(status, Some(0));
        drop(listener.accept().unwrap());
        drop(listener);
        assert_eq!(knock_at(address), Some(rustix::io::Errno::CONNREFUSED.raw_os_error()));
    }

    #[test]
    fn an_architecture_without_a_program_is_told_from_those_that_have_one() {
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        assert!(program("arm64", address).is_some_and(|program| program.len() == 120 + 48 + 16));
        assert_eq!(program("riscv64", address), None);
    }
}
