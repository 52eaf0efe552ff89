// SPDX-License-Identifier: MIT OR Apache-2.0
//! Resolves options to a configuration.

use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;
use files::file_name::Calendar;
use framestream::frame::LENGTH_SIZE;
use framestream::transport::{TlsOptions, TlsServerOptions};
use pipeline::format::{FileSettings, Format};
use pipeline::output::stats::StatsDestination;
use pipeline::select::Selection;
use receive::address::PeerAddress;
use receive::{IDLE_TIMEOUT_DEFAULT, ReceiveLimits};

use super::DnstapOptions;
use super::misuse::misuse;
use crate::dnstap_tool::config::{Config, OutputConfig, SocketConfig};

impl DnstapOptions {
    /// Returns the configuration, or the first problem with the options.
    pub fn resolve(self) -> Result<Config, clap::Error> {
        if let Some((kind, text)) = misuse(&self) {
            return Err(Self::command().error(kind, text));
        }
        let files = self.file_configs();
        let beside = files.iter().find(|file| file.is_standard_output());
        let printed = match beside {
            _ if !self.stats => StatsDestination::None,
            None => StatsDestination::Stdout { exclusive: true },
            Some(file) if file.format.properties().may_precede_statistics => {
                StatsDestination::Stdout { exclusive: false }
            }
            Some(_) => StatsDestination::Stderr,
        };
        let mask = self.mask4.or(self.mask6);
        let relays = self.relay_unix.iter().cloned().map(PeerAddress::Unix);
        Ok(Config {
            log_level: self.log_level.into(),
            follow: self.follow,
            frame_limit: self.frame_limit as usize,
            mask: mask.map(|_| (self.mask4.unwrap_or(32), self.mask6.unwrap_or(128))),
            count: self.count.unwrap_or(u64::MAX),
            files,
            relays: relays.chain(self.relay_tcp.iter().cloned()).collect(),
            relay_timeout: self.timeout,
            tls: TlsOptions {
                server_name: self.tls_server_name.clone(),
                ca_bundle: self.tls_ca.clone(),
                client_certificate: self.tls_cert.clone(),
                client_key: self.tls_key.clone(),
                ..TlsOptions::default()
            },
            printed,
            sockets: self.listens().then(|| self.sockets()),
            metrics: self.metrics,
            read: self.read,
            columns: Some(self.fields).filter(|fields| !fields.is_empty()),
            selection: Selection {
                types: self.types,
                names: self.names,
                record_types: self.record_types,
                response_codes: self.response_codes,
                clients: self.clients,
                sample: self.sample.unwrap_or(1),
            },
        })
    }

    fn sockets(&self) -> SocketConfig {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) if !self.listen.is_empty() => Some(TlsServerOptions {
                certificate: certificate.clone(),
                key: key.clone(),
                client_authorities: self.tls_client_ca.clone(),
            }),
            _ => None,
        };
        let idle = self.idle_timeout.unwrap_or(IDLE_TIMEOUT_DEFAULT);
        SocketConfig {
            unix: self.unix.clone(),
            mode: self.socket_mode,
            owner: self.socket_owner.clone(),
            group: self.socket_group.clone(),
            listen: self.listen.clone(),
            tls,
            senders: self.connect.clone(),
            limits: ReceiveLimits {
                frame: LENGTH_SIZE + self.frame_limit as usize,
                connections: self.maxconns.unwrap_or(u32::MAX) as usize,
                idle: Duration::from_secs(idle.into()),
            },
        }
    }

    fn file_configs(&self) -> Vec<OutputConfig> {
        let settings = FileSettings {
            append: self.append,
            is_live: self.listens(),
            calendar: match (self.localtime, self.gmtime) {
                (true, _) => Some(Calendar::local()),
                (_, true) => Some(Calendar::gmt()),
                _ => None,
            },
            split: self.split.map(|split| Duration::from_secs(split.into())),
            split_size: self.split_size,
            post_rotate: self.post_rotate.clone(),
        };
        let config = |(format, name): (Format, PathBuf)| {
            let files = format.files(&name, &settings);
            OutputConfig { name, format, files }
        };
        self.files().into_iter().map(config).collect()
    }
}
