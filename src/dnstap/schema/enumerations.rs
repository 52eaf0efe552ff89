// SPDX-License-Identifier: MIT OR Apache-2.0
//! The enumerations.
//!
//! All are open: a number without a name belongs to a newer schema, and is kept. Protobuf encodes
//! an enumeration as an `int32`; a negative number has the same bits here.

use super::is_ascending;

/// An enumeration of the schema.
#[derive(Clone, Copy, Debug)]
pub struct EnumDescription {
    /// The type in this crate, such as "MessageType".
    pub type_name: &'static str,
    /// The name in the schema, such as "Message.Type".
    pub name: &'static str,
    /// The documentation, in lines.
    pub about: &'static [&'static str],
    /// The values that have names, in ascending order.
    pub values: &'static [EnumValue],
}

/// A value of an enumeration of the schema.
#[derive(Clone, Copy, Debug)]
pub struct EnumValue {
    /// The constant in this crate, such as "DNSCRYPT_UDP".
    pub constant: &'static str,
    /// The name in the schema, such as "DNSCryptUDP".
    pub name: &'static str,
    /// The number on the wire.
    pub number: u32,
    /// The documentation, in lines.
    pub about: &'static [&'static str],
}

/// Returns the name in the schema, which is that of the constant if none is given.
#[rustfmt::skip]
macro_rules! value_name {
    ($constant:ident) => { stringify!($constant) };
    ($constant:ident $name:ident) => { stringify!($name) };
}

/// Defines an enumeration by its table: `NAME = number`, or `NAME (name in the schema) = number`.
macro_rules! enumeration {
    (
        $(#[doc = $about:literal])+
        $type:ident = $message:ident $(. $name:ident)? {
            $($(#[doc = $what:literal])+ $value:ident $(($value_name:ident))? = $number:literal,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(
            /// The number on the wire.
            pub u32,
        );

        impl $type {
            $($(#[doc = $what])+ pub const $value: Self = Self($number);)+

            /// The enumeration in the schema.
            pub const DESCRIPTION: EnumDescription = EnumDescription {
                type_name: stringify!($type),
                name: concat!(stringify!($message) $(, ".", stringify!($name))?),
                about: &[$($about),+],
                values: &[$(EnumValue {
                    constant: stringify!($value),
                    name: value_name!($value $($value_name)?),
                    number: $number,
                    about: &[$($what),+],
                }),+],
            };

            /// All values that have names, in ascending order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// Returns the name in the schema; `None` for an unknown number.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$value => Some(value_name!($value $($value_name)?)),)+
                    _ => None,
                }
            }
        }

        const _: () = assert!(is_ascending(&[$($number),+]), "numbers are in ascending order");
    };
}

/// Defines the message types by their table: `NAME = number, mnemonic, hop`.
macro_rules! message_types {
    (
        $(#[doc = $about:literal])+
        $type:ident = $message:ident.$name:ident {
            $(
                $(#[doc = $what:literal])+
                $value:ident = $number:literal, $mnemonic:literal, $hop:ident;
            )+
        }
    ) => {
        enumeration! {
            $(#[doc = $about])+
            $type = $message.$name { $($(#[doc = $what])+ $value = $number,)+ }
        }

        impl $type {
            /// Returns the two-letter abbreviation of the type, such as "CQ".
            pub const fn mnemonic(self) -> Option<&'static str> {
                match self {
                    $(Self::$value => Some($mnemonic),)+
                    _ => None,
                }
            }

            /// Returns the hop at which the message was seen; `None` for an unknown number.
            pub const fn hop(self) -> Option<Hop> {
                match self {
                    $(Self::$value => Some(Hop::$hop),)+
                    _ => None,
                }
            }
        }
    };
}

/// Defines the hops by their table.
macro_rules! hops {
    ($($(#[$what:meta])* $hop:ident $name:literal,)+) => {
        /// A hop, with the side at which its messages are seen. A query and its response have the
        /// same hop.
        ///
        /// Unlike the enumerations, it is closed, so that code that depends on it handles each hop.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Hop {
            $($(#[$what])* $hop,)+
        }

        impl Hop {
            /// All hops.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$hop),+];

            /// Returns the name, which is the first word of the names of its message types.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$hop => $name,)+
                }
            }
        }
    };
}

/// All enumerations.
pub const ENUMERATIONS: [EnumDescription; 7] = [
    EventType::DESCRIPTION,
    MessageType::DESCRIPTION,
    SocketFamily::DESCRIPTION,
    SocketProtocol::DESCRIPTION,
    HttpProtocol::DESCRIPTION,
    PolicyAction::DESCRIPTION,
    PolicyMatch::DESCRIPTION,
];

enumeration! {
    /// The kind of an event.
    EventType = Dnstap.Type {
        /// A DNS message: the only kind.
        MESSAGE = 1,
    }
}

message_types! {
    /// Where, and in which direction, a DNS message was seen.
    MessageType = Message.Type {
        /// An authoritative server received a query from a client.
        AUTH_QUERY = 1, "AQ", Auth;
        /// An authoritative server sent a response to a client.
        AUTH_RESPONSE = 2, "AR", Auth;
        /// A resolver sent a query to an authoritative server.
        RESOLVER_QUERY = 3, "RQ", Resolver;
        /// A resolver received a response from an authoritative server.
        RESOLVER_RESPONSE = 4, "RR", Resolver;
        /// A resolver or forwarder received a query from a client.
        CLIENT_QUERY = 5, "CQ", Client;
        /// A resolver or forwarder sent a response to a client.
        CLIENT_RESPONSE = 6, "CR", Client;
        /// A forwarder sent a query to its upstream resolver.
        FORWARDER_QUERY = 7, "FQ", Forwarder;
        /// A forwarder received a response from its upstream resolver.
        FORWARDER_RESPONSE = 8, "FR", Forwarder;
        /// A stub resolver sent a query.
        STUB_QUERY = 9, "SQ", Stub;
        /// A stub resolver received a response.
        STUB_RESPONSE = 10, "SR", Stub;
        /// A tool such as dig sent a query.
        TOOL_QUERY = 11, "TQ", Tool;
        /// A tool such as dig received a response.
        TOOL_RESPONSE = 12, "TR", Tool;
        /// An authoritative server received a dynamic update (RFC 2136).
        UPDATE_QUERY = 13, "UQ", Update;
        /// An authoritative server sent a response to a dynamic update.
        UPDATE_RESPONSE = 14, "UR", Update;
    }
}

hops! {
    /// Between an authoritative server and its clients.
    Auth "AUTH",
    /// Between a resolver and authoritative servers.
    Resolver "RESOLVER",
    /// Between a resolver or forwarder and its clients.
    Client "CLIENT",
    /// Between a forwarder and its upstream resolver.
    Forwarder "FORWARDER",
    /// Between a stub resolver and its resolver.
    Stub "STUB",
    /// Between a tool such as dig and the server that it queries.
    Tool "TOOL",
    /// Between an authoritative server and clients that send dynamic updates.
    Update "UPDATE",
}

// The numbers start at 1, without gaps.
const _: () =
    assert!(MessageType::ALL[MessageType::ALL.len() - 1].0 as usize == MessageType::ALL.len());

impl MessageType {
    /// The length of an array by message type: one more than the largest number that has a name.
    pub const LIMIT: usize = Self::ALL.len() + 1;

    /// Returns whether the message is a query. A number without a name is neither a query nor a
    /// response.
    pub const fn is_query(self) -> bool {
        self.name().is_some() && self.0 % 2 == 1
    }

    /// Returns whether the message is a response.
    pub const fn is_response(self) -> bool {
        self.name().is_some() && self.0 % 2 == 0
    }

    /// Returns a number that is the same for the query and the response of a hop. This includes
    /// types of newer schemas, as the types of a hop are adjacent, and that of the query is odd.
    pub const fn pair(self) -> u32 {
        self.0.wrapping_add(1) / 2
    }
}

enumeration! {
    /// The family of the addresses.
    SocketFamily = SocketFamily {
        /// IPv4 (RFC 791): 4 bytes.
        INET = 1,
        /// IPv6 (RFC 8200): 16 bytes.
        INET6 = 2,
    }
}

enumeration! {
    /// The transport protocol of a DNS message.
    SocketProtocol = SocketProtocol {
        /// UDP (RFC 1035, section 4.2.1).
        UDP = 1,
        /// TCP (RFC 1035, section 4.2.2).
        TCP = 2,
        /// DNS over TLS (RFC 7858).
        DOT = 3,
        /// DNS over HTTPS (RFC 8484).
        DOH = 4,
        /// DNSCrypt over UDP.
        DNSCRYPT_UDP (DNSCryptUDP) = 5,
        /// DNSCrypt over TCP.
        DNSCRYPT_TCP (DNSCryptTCP) = 6,
        /// DNS over dedicated QUIC connections (RFC 9250).
        DOQ = 7,
    }
}

enumeration! {
    /// The version of HTTP that DNS over HTTPS uses.
    HttpProtocol = HttpProtocol {
        /// HTTP/1.0 or HTTP/1.1 (RFC 9112).
        HTTP1 = 1,
        /// HTTP/2 (RFC 9113).
        HTTP2 = 2,
        /// HTTP/3 (RFC 9114).
        HTTP3 = 3,
    }
}

enumeration! {
    /// The action that was taken because of a policy.
    PolicyAction = Policy.Action {
        /// Answered that the name does not exist (NXDOMAIN).
        NXDOMAIN = 1,
        /// Answered that the name has no records of the type (NODATA).
        NODATA = 2,
        /// Left the answer unchanged.
        PASS = 3,
        /// Sent no answer.
        DROP = 4,
        /// Sent a truncated answer (TC set), so that the client retries over TCP.
        TRUNCATE = 5,
        /// Answered with the policy's own records.
        LOCAL_DATA = 6,
    }
}

enumeration! {
    /// The property that a policy was compared with.
    PolicyMatch = Policy.Match {
        /// The name in the question.
        QNAME = 1,
        /// The address of the client.
        CLIENT_IP = 2,
        /// An address in the answer.
        RESPONSE_IP = 3,
        /// The name of a name server of the zone.
        NS_NAME = 4,
        /// The address of a name server of the zone.
        NS_IP = 5,
    }
}
