// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts together what frames go through, and where to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use operator_log::Log;
use pipeline::account::Account;
use pipeline::mask::Mask;
use pipeline::output::relay::Relay;
use pipeline::output::stats::StatsOutput;
use pipeline::outputs::Outputs;
use pipeline::stamp::Stamp;
use pipeline::stats::metrics::{Page, RejectedCounts};
use pipeline::worker::{FrameWorker, WorkerTotals};

use crate::dnstap_tool::config::Config;
use crate::setup_error::SetupError;

/// The worker with all outputs open, to which nothing is written yet if one cannot be.
pub(crate) fn worker(
    config: &Config,
    stop: &Arc<AtomicBool>,
    rejected: &RejectedCounts,
) -> Result<FrameWorker, SetupError> {
    // Files can be read again; sockets cannot.
    let is_live = config.sockets.is_some();
    let is_endless = is_live || config.follow;
    let mut outputs = Outputs::new(is_live);
    let mut accounts = Vec::new();
    for file in &config.files {
        let output = file.format.open(&file.files, stop.clone())?;
        let account = Arc::new(Account::new(file.name.display().to_string(), false));
        accounts.push(account.clone());
        outputs.add("", output, account);
    }
    for address in &config.relays {
        let timeout = config.relay_timeout;
        let relay = Relay::start(address, &config.tls, timeout, stop.clone(), is_endless)?;
        accounts.push(relay.account());
        let account = relay.account();
        outputs.add("relay to ", Box::new(relay), account);
    }
    if config.has_statistics() {
        let stats = stats(config, accounts, rejected)?;
        let account = Arc::new(Account::new("statistics".into(), false));
        outputs.add("", Box::new(stats), account);
    }
    outputs.begin()?;
    Ok(FrameWorker {
        selection: config.selection.clone(),
        stamp: Some(config.selection.sample).filter(|rate| *rate > 1).map(Stamp::new),
        mask: config.mask.map(|(bits4, bits6)| Mask::new(bits4, bits6)),
        count: config.count,
        outputs,
        totals: WorkerTotals::default(),
        encoded: Vec::new(),
    })
}

fn stats(
    config: &Config,
    accounts: Vec<Arc<Account>>,
    rejected: &RejectedCounts,
) -> Result<StatsOutput, SetupError> {
    let page = config.metrics.as_ref().map(|_| Page::default());
    let stats = StatsOutput::new(config.printed, page.clone(), accounts, rejected.clone());
    // Who asks at once finds the page already.
    if let (Some(page), Some(address)) = (page, &config.metrics) {
        let failed = |source| SetupError::Metrics { address: address.to_string(), source };
        let bound = address.resolve().and_then(|address| page.serve(address)).map_err(failed)?;
        Log.info(format_args!("metrics are at http://{bound}/metrics"));
    }
    Ok(stats)
}
