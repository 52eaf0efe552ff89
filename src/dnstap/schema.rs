// SPDX-License-Identifier: MIT OR Apache-2.0
//! The enumerations of `proto/dnstap.proto`.
//!
//! All are open: a number without a name here is one of a newer schema, and is kept as it is.
//! Protobuf sends an enumeration as an `int32`; a negative one has the same bits here.

macro_rules! open_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $value:ident $label:literal = $number:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(
            /// The number on the wire.
            pub u32,
        );

        impl $name {
            $($(#[$what])* pub const $value: Self = Self($number);)+

            /// The name in the schema; `None` for a number that has none.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$value => Some($label),)+
                    _ => None,
                }
            }
        }
    };
}

open_enum! {
    /// What kind of event a frame holds (`Dnstap.type`).
    EventType {
        /// A DNS message: the one kind there is.
        MESSAGE "MESSAGE" = 1,
    }
}

open_enum! {
    /// At which hop, at which of its ends and in which direction a DNS message was seen
    /// (`Message.type`).
    MessageType {
        /// A server got a query as the authority for its zone.
        AUTH_QUERY "AUTH_QUERY" = 1,
        /// A server answered as the authority for its zone.
        AUTH_RESPONSE "AUTH_RESPONSE" = 2,
        /// A resolver asked an authoritative server.
        RESOLVER_QUERY "RESOLVER_QUERY" = 3,
        /// A resolver got the answer of an authoritative server.
        RESOLVER_RESPONSE "RESOLVER_RESPONSE" = 4,
        /// A resolver or forwarder was asked by a client.
        CLIENT_QUERY "CLIENT_QUERY" = 5,
        /// A resolver or forwarder answered a client.
        CLIENT_RESPONSE "CLIENT_RESPONSE" = 6,
        /// A forwarder asked the next resolver.
        FORWARDER_QUERY "FORWARDER_QUERY" = 7,
        /// A forwarder got the answer of the next resolver.
        FORWARDER_RESPONSE "FORWARDER_RESPONSE" = 8,
        /// A stub resolver asked.
        STUB_QUERY "STUB_QUERY" = 9,
        /// A stub resolver got the answer.
        STUB_RESPONSE "STUB_RESPONSE" = 10,
        /// A tool such as dig asked.
        TOOL_QUERY "TOOL_QUERY" = 11,
        /// A tool such as dig got the answer.
        TOOL_RESPONSE "TOOL_RESPONSE" = 12,
        /// An authoritative server got a dynamic update (RFC 2136).
        UPDATE_QUERY "UPDATE_QUERY" = 13,
        /// An authoritative server answered a dynamic update.
        UPDATE_RESPONSE "UPDATE_RESPONSE" = 14,
    }
}

impl MessageType {
    /// The two letters by which operators and readers know the type, such as "CQ".
    pub const fn mnemonic(self) -> Option<&'static str> {
        Some(match self {
            Self::AUTH_QUERY => "AQ",
            Self::AUTH_RESPONSE => "AR",
            Self::RESOLVER_QUERY => "RQ",
            Self::RESOLVER_RESPONSE => "RR",
            Self::CLIENT_QUERY => "CQ",
            Self::CLIENT_RESPONSE => "CR",
            Self::FORWARDER_QUERY => "FQ",
            Self::FORWARDER_RESPONSE => "FR",
            Self::STUB_QUERY => "SQ",
            Self::STUB_RESPONSE => "SR",
            Self::TOOL_QUERY => "TQ",
            Self::TOOL_RESPONSE => "TR",
            Self::UPDATE_QUERY => "UQ",
            Self::UPDATE_RESPONSE => "UR",
            _ => return None,
        })
    }

    /// Whether the message is a query. A number without a name is neither query nor response.
    pub const fn is_query(self) -> bool {
        self.name().is_some() && self.0 % 2 == 1
    }

    /// Whether the message is a response.
    pub const fn is_response(self) -> bool {
        self.name().is_some() && self.0.is_multiple_of(2)
    }
}

open_enum! {
    /// How to read the addresses (`Message.socket_family`).
    SocketFamily {
        /// IPv4 (RFC 791): 4 bytes.
        INET "INET" = 1,
        /// IPv6 (RFC 8200): 16 bytes.
        INET6 "INET6" = 2,
    }
}

open_enum! {
    /// How the DNS message travelled (`Message.socket_protocol`).
    SocketProtocol {
        /// UDP (RFC 1035, section 4.2.1).
        UDP "UDP" = 1,
        /// TCP (RFC 1035, section 4.2.2).
        TCP "TCP" = 2,
        /// TLS (RFC 7858).
        DOT "DOT" = 3,
        /// HTTPS (RFC 8484).
        DOH "DOH" = 4,
        /// DNSCrypt over UDP.
        DNSCRYPT_UDP "DNSCryptUDP" = 5,
        /// DNSCrypt over TCP.
        DNSCRYPT_TCP "DNSCryptTCP" = 6,
        /// QUIC (RFC 9250).
        DOQ "DOQ" = 7,
    }
}

open_enum! {
    /// The version of HTTP below DNS over HTTPS (`Message.http_protocol`).
    HttpProtocol {
        /// HTTP/1.0 or HTTP/1.1 (RFC 9112).
        HTTP1 "HTTP1" = 1,
        /// HTTP/2 (RFC 9113).
        HTTP2 "HTTP2" = 2,
        /// HTTP/3 (RFC 9114).
        HTTP3 "HTTP3" = 3,
    }
}

open_enum! {
    /// What was done because of a policy (`Policy.action`).
    PolicyAction {
        /// Answered that the name does not exist.
        NXDOMAIN "NXDOMAIN" = 1,
        /// Answered that the name has no such record.
        NODATA "NODATA" = 2,
        /// Let the answer be.
        PASS "PASS" = 3,
        /// Gave no answer.
        DROP "DROP" = 4,
        /// Answered with TC set, so that the client comes back over TCP.
        TRUNCATE "TRUNCATE" = 5,
        /// Answered with records of the policy.
        LOCAL_DATA "LOCAL_DATA" = 6,
    }
}

open_enum! {
    /// What a policy was compared with (`Policy.match`).
    PolicyMatch {
        /// The name in the question.
        QNAME "QNAME" = 1,
        /// The address of the client.
        CLIENT_IP "CLIENT_IP" = 2,
        /// An address in the answer.
        RESPONSE_IP "RESPONSE_IP" = 3,
        /// The name of a name server of the zone.
        NS_NAME "NS_NAME" = 4,
        /// The address of a name server of the zone.
        NS_IP "NS_IP" = 5,
    }
}
