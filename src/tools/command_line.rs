// SPDX-License-Identifier: MIT OR Apache-2.0
//! Command lines as fstrm's programs take them: usage errors end with status 1, and everything
//! about usage is printed to the standard error.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use operator_log::program_name;
use operator_log::standard_error::report;

/// Parses the options of this process. Returns the exit status if they are wrong or ask for help.
pub fn options<T: Parser>() -> Result<T, ExitCode> {
    T::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayVersion => {
            report(format_args!("{}: {}\n", program_name(), env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelp => {
            report(error);
            ExitCode::FAILURE
        }
        _ => {
            let text = error.to_string();
            let text = text.trim_start_matches("error: ");
            report(format_args!("{}: Usage error: {text}", program_name()));
            ExitCode::FAILURE
        }
    })
}

/// Reports a problem with the options as a whole, and returns the exit status.
pub fn usage_error<T: CommandFactory>(message: &str) -> ExitCode {
    let help = T::command().render_help();
    report(format_args!("{}: Usage error: {message}\n\n{help}", program_name()));
    ExitCode::FAILURE
}

/// Parses the values of `--tcp` and `--port`; the error is a message. The port may be decimal, octal
/// (`0...`) or hexadecimal (`0x...`), as with `strtoul`.
pub fn tcp_address(address: &str, port: &str) -> Result<SocketAddr, &'static str> {
    let unsigned = port.strip_prefix('+').unwrap_or(port);
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&unsigned[2..], 16),
        [b'0', _, ..] => (&unsigned[1..], 8),
        _ => (unsigned, 10),
    };
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    let number = u16::from_str_radix(digits, radix).ok().filter(|_| is_number);
    let number = number.ok_or("Failed to parse TCP listen port")?;
    let address: IpAddr = address.parse().map_err(|_| "Failed to parse TCP listen address")?;
    Ok(SocketAddr::new(address, number))
}

#[cfg(test)]
mod tests {
    use super::tcp_address;

    #[test]
    fn ports_are_parsed_like_strtoul() {
        for (port, number) in [("53", 53), ("+53", 53), ("065", 53), ("0x35", 53), ("0", 0)] {
            let expected = Ok(([127, 0, 0, 1], number).into());
            assert_eq!(tcp_address("127.0.0.1", port), expected, "{port}");
        }
        for wrong in ["", "+", "++53", "-53", "0+65", "0x+35", "08", "0xg", "65536", "5 3"] {
            assert!(tcp_address("127.0.0.1", wrong).is_err(), "{wrong}");
        }
    }
}
