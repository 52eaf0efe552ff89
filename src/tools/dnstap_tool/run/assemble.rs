// SPDX-License-Identifier: MIT OR Apache-2.0
//! Assembles the worker and its outputs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use operator_log::Log;
use pipeline::account::Account;
use pipeline::mask::Mask;
use pipeline::output::relay::RelayOutput;
use pipeline::output::stats::StatsOutput;
use pipeline::outputs::Outputs;
use pipeline::stats::metrics::{MetricsPage, RejectedCounts};
use pipeline::worker::FrameWorker;

use crate::dnstap_tool::config::Config;
use crate::setup_error::SetupError;

/// Opens all outputs, and returns the worker. If one cannot be opened, nothing is written to the others.
pub(crate) fn worker(
    config: &Config,
    stop: &Arc<AtomicBool>,
    rejected: &RejectedCounts,
) -> Result<FrameWorker, SetupError> {
    // Files can be read again, but sockets cannot.
    let is_live = config.sockets.is_some();
    let is_endless = is_live || config.follow;
    let mut outputs = Outputs::new(is_live);
    for file in &config.files {
        let output = file.format.open(&file.files, config.columns.as_deref(), stop.clone())?;
        outputs.add(output, Arc::new(Account::new(file.name.display().to_string(), false)));
    }
    for address in &config.relays {
        let timeout = config.relay_timeout;
        let relay = RelayOutput::start(address, &config.tls, timeout, stop.clone(), is_endless)?;
        let account = relay.account();
        outputs.add(Box::new(relay), account);
    }
    if config.has_statistics() {
        let stats = stats(config, outputs.accounts(), rejected)?;
        outputs.add(Box::new(stats), Arc::new(Account::new("statistics".into(), false)));
    }
    outputs.begin()?;
    let mask = config.mask.map(|(bits4, bits6)| Mask::new(bits4, bits6));
    Ok(FrameWorker::new(config.selection.clone(), mask, config.count, outputs))
}

fn stats(
    config: &Config,
    accounts: Vec<Arc<Account>>,
    rejected: &RejectedCounts,
) -> Result<StatsOutput, SetupError> {
    let page = config.metrics.as_ref().map(|_| MetricsPage::default());
    let stats = StatsOutput::new(config.printed, page.clone(), accounts, rejected.clone());
    // The page must be complete before the first request.
    if let (Some(page), Some(address)) = (page, &config.metrics) {
        let failed = |source| SetupError::Metrics(address.clone(), source);
        let bound = address.resolve().and_then(|address| page.serve(address)).map_err(failed)?;
        Log.info(format_args!("metrics are at http://{bound}/metrics"));
    }
    Ok(stats)
}
